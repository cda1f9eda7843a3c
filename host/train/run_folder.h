/* The folder of a run: its name, and the names of what is in it. */
#ifndef RNCL_TRAIN_RUN_FOLDER_H
#define RNCL_TRAIN_RUN_FOLDER_H

#include "log.h"
#include "options.h"
#include "status.h"

#define RNCL_RUN_CONFIG "config.ini"
#define RNCL_RUN_CHECKPOINT "last.ckpt"
#define RNCL_RUN_ROLLBACK "rollback.ckpt" /* of --on-divergence rollback */
#define RNCL_RUN_MODEL "model.safetensors"
#define RNCL_RUN_BEST "best.safetensors"
#define RNCL_RUN_CURVES "curves.png"
#define RNCL_RUN_TUNING "tuning.json"              /* the tuning results that the run computes with */
#define RNCL_RUN_CLASS_WEIGHTS "class-weights.txt" /* a copy of the file that --class-weights named */

/* A run folder that this process has to itself. It is an flock, which ends with the process however that
 * ends. Begin with RNCL_RUN_LOCK_NONE. */
typedef struct rncl_run_lock {
    int descriptor; /* of the folder; -1: none */
    bool created;   /* by this process; goes again if it stays empty */
    char *folder;
} rncl_run_lock;

#define RNCL_RUN_LOCK_NONE ((rncl_run_lock){.descriptor = -1})

/* Before anything else is done: locks the folder of --resume or --out (which is created), then reads for
 * --resume the run's config.ini under what the command line says and sets options->out. RNCL_ERR_MODEL if
 * there is no checkpoint to resume, RNCL_ERR_USAGE if --out holds another run, or another process has the
 * folder; one that is dying is waited for. Where the file system has no locks, a warning goes to `log`. */
rncl_status rncl_run_folder_choose(rncl_options *options, const rncl_log *log, rncl_run_lock *lock);

/* Where options->out is empty, makes, locks and names a new folder after the time and the network. */
rncl_status rncl_run_folder_create(rncl_options *options, const rncl_log *log, rncl_run_lock *lock);

void rncl_run_folder_unlock(rncl_run_lock *lock);

/* The path of a file in the folder; RNCL_ERR_USAGE if it is too long. */
rncl_status rncl_run_folder_path(const rncl_options *options, const char *name, char path[RNCL_TEXT_LENGTH]);

#endif
