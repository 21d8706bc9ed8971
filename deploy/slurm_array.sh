#!/usr/bin/env bash
# A study as a Slurm array: task I of N runs shard I/N; the last command puts the shards together.
#
#   sbatch --array=1-8 --export=ALL,STUDY=study.yaml,OUT=/scratch/run,SHARDS=8 deploy/slurm_array.sh
#   juries merge /scratch/run/shard-* --out /scratch/run/whole
#
# A task that failed or ran out of time is submitted again alone, `sbatch --array=3 ...`: it goes on
# where it stopped. SHARDS says how many there are, because an array of one task does not know.
#
#SBATCH --job-name=juries
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
set -euo pipefail

: "${STUDY:?the study file}" "${OUT:?a folder that all nodes see}" "${SHARDS:?how many tasks}"
: "${SLURM_ARRAY_TASK_ID:?this runs as a task of an array}"

# Keys of model servers are read from the task's environment, under the names that the study gives.
# Two minutes before the time is over Slurm sends SIGTERM: what is in flight is finished, and the
# rest waits for the task to be submitted again. exec, so that the signal reaches the run.
exec juries run "$STUDY" \
  --shard "auto/$SHARDS" \
  --out "$OUT/shard-$SLURM_ARRAY_TASK_ID" \
  --executor processes --workers "${SLURM_CPUS_PER_TASK:-1}" \
  --display plain "$@"
