/* `rncl train --lr-find` */
#ifndef RNCL_CLI_LR_FIND_COMMAND_H
#define RNCL_CLI_LR_FIND_COMMAND_H

#include "console.h"

/* Searches, prints the suggestion (with --json all steps), and writes lr-find.csv and lr-find.png: into the
 * folder of --out or --resume, or else the current one. */
rncl_status rncl_lr_find_command(rncl_console *console, rncl_context *context, rncl_options *options,
                                 const rncl_train_listener *listener);

#endif
