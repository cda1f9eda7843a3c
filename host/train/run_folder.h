/* The folder of a run: its name, and the names of what is in it. */
#ifndef RNCL_TRAIN_RUN_FOLDER_H
#define RNCL_TRAIN_RUN_FOLDER_H

#include "options.h"
#include "status.h"

#define RNCL_RUN_CONFIG "config.ini"
#define RNCL_RUN_CHECKPOINT "last.ckpt"
#define RNCL_RUN_MODEL "model.safetensors"
#define RNCL_RUN_BEST "best.safetensors"
#define RNCL_RUN_CURVES "curves.png"

/* Before anything else is done: for --resume reads the run's config.ini under what the command line says, and
 * sets options->out. RNCL_ERR_MODEL if there is no checkpoint to resume, RNCL_ERR_USAGE if --out holds
 * another run. */
rncl_status rncl_run_folder_choose(rncl_options *options);

/* Creates options->out; where it is empty, a new folder named after the time and the network. */
rncl_status rncl_run_folder_create(rncl_options *options);

/* The path of a file in the folder; RNCL_ERR_USAGE if it is too long. */
rncl_status rncl_run_folder_path(const rncl_options *options, const char *name, char path[RNCL_TEXT_LENGTH]);

#endif
