BEGIN TRANSACTION;
CREATE TABLE about (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "about" VALUES('schema','1');
INSERT INTO "about" VALUES('fingerprint','0123456789abcdef');
INSERT INTO "about" VALUES('revision','1');
INSERT INTO "about" VALUES('counted','1');
CREATE TABLE calls (
	"key" TEXT NOT NULL, 
	mind INTEGER NOT NULL, 
	item INTEGER NOT NULL, 
	juror INTEGER NOT NULL, 
	round INTEGER NOT NULL, 
	purpose TEXT NOT NULL, 
	endpoint INTEGER NOT NULL, 
	prompt TEXT NOT NULL, 
	"order" TEXT NOT NULL, 
	prompt_tokens INTEGER, 
	cached_tokens INTEGER, 
	completion_tokens INTEGER, 
	shared INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, 
	attempts INTEGER NOT NULL, 
	notes TEXT, 
	error TEXT, 
	PRIMARY KEY ("key")
)
 WITHOUT ROWID

;
INSERT INTO "calls" VALUES('c000',0,0,0,0,'rate',0,'h','3,1,2',10,NULL,2,1,0.25,1,NULL,NULL);
CREATE TABLE names (
	kind TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	PRIMARY KEY (kind, position)
)
 WITHOUT ROWID

;
INSERT INTO "names" VALUES('criterion',0,'overall');
INSERT INTO "names" VALUES('item',0,'i0');
INSERT INTO "names" VALUES('item',1,'i1');
INSERT INTO "names" VALUES('juror',0,'j0');
INSERT INTO "names" VALUES('juror',1,'j1');
INSERT INTO "names" VALUES('mind',0,'rater-simulator 1');
CREATE TABLE preferences (
	item INTEGER NOT NULL, 
	round INTEGER NOT NULL, 
	juror INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	ranking TEXT, 
	endorsed TEXT, 
	tokens INTEGER, 
	raw TEXT, 
	mind INTEGER NOT NULL, 
	call TEXT, 
	PRIMARY KEY (item, round, juror)
)
 WITHOUT ROWID

;
INSERT INTO "preferences" VALUES(0,0,0,'ok','1,0','1',NULL,NULL,0,NULL);
CREATE TABLE ratings (
	item INTEGER NOT NULL, 
	response INTEGER NOT NULL, 
	against INTEGER NOT NULL, 
	juror INTEGER NOT NULL, 
	round INTEGER NOT NULL, 
	criterion INTEGER NOT NULL, 
	replicate INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	rating INTEGER, 
	expected DOUBLE, 
	probabilities BLOB, 
	label_mass DOUBLE, 
	reason TEXT, 
	raw TEXT, 
	mind INTEGER NOT NULL, 
	call TEXT, 
	PRIMARY KEY (item, response, against, juror, round, criterion, replicate)
)
 WITHOUT ROWID

;
INSERT INTO "ratings" VALUES(0,0,-1,0,0,0,0,'ok',2,2.0,X'0000803E0000003F0000803E',NULL,'plain',NULL,0,'c000');
INSERT INTO "ratings" VALUES(0,0,-1,0,1,0,0,'ok',2,2.0,X'0000803E0000003F0000803E',NULL,'plain',NULL,0,'c001');
INSERT INTO "ratings" VALUES(0,0,-1,1,0,0,0,'ok',2,2.0,X'0000803E0000003F0000803E',NULL,'plain',NULL,0,'c010');
INSERT INTO "ratings" VALUES(0,0,-1,1,1,0,0,'ok',2,2.0,X'0000803E0000003F0000803E',NULL,'plain',NULL,0,'c011');
INSERT INTO "ratings" VALUES(1,0,-1,0,0,0,0,'ok',2,2.0,X'0000803E0000003F0000803E',NULL,'plain',NULL,0,'c100');
INSERT INTO "ratings" VALUES(1,0,-1,0,1,0,0,'ok',2,2.0,X'0000803E0000003F0000803E',NULL,'plain',NULL,0,'c101');
INSERT INTO "ratings" VALUES(1,0,-1,1,0,0,0,'ok',2,2.0,X'0000803E0000003F0000803E',NULL,'plain',NULL,0,'c110');
INSERT INTO "ratings" VALUES(1,0,-1,1,1,0,0,'failed',NULL,NULL,NULL,NULL,'timeout',NULL,0,'c111');
CREATE TABLE statements (
	item INTEGER NOT NULL, 
	round INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	juror INTEGER NOT NULL, 
	about INTEGER NOT NULL, 
	"order" INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	text TEXT, 
	stance BLOB, 
	tokens INTEGER, 
	raw TEXT, 
	mind INTEGER NOT NULL, 
	call TEXT, 
	PRIMARY KEY (item, round, kind, juror, about)
)
 WITHOUT ROWID

;
INSERT INTO "statements" VALUES(0,0,'opinion',0,0,0,'ok','I say so.',X'000000000000F83F',12,NULL,0,'c000');
COMMIT;
