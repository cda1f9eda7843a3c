/* What users may type instead of files: run folders and folders of pictures. */
#ifndef RNCL_CLI_PATHS_H
#define RNCL_CLI_PATHS_H

#include "log.h"
#include "options.h"
#include "status.h"

/* --model RUN becomes RUN/best.safetensors. RNCL_ERR_USAGE if --model is missing (`command` says whose),
 * RNCL_ERR_MODEL for a folder without that file. */
rncl_status rncl_paths_complete_model(rncl_options *options, const char *command);

/* The same for --init, which may be missing. */
rncl_status rncl_paths_complete_init(rncl_options *options);

/* The same for plot's --filters, and for --tuning with RUN/tuning.json. */
rncl_status rncl_paths_complete_filters(rncl_options *options);
rncl_status rncl_paths_complete_tuning(rncl_options *options);

/* Folders among options->arguments become the pictures in them and in their subfolders, in the order of their
 * names (rncl_walk); what does not look like a picture is left out, with a warning in `log` where it looks
 * like one of a format that rncl does not read. RNCL_ERR_DATA for a folder without pictures. */
rncl_status rncl_paths_expand_pictures(rncl_options *options, const rncl_log *log);

#endif
