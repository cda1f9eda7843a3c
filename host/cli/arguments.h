/* From argv to options, and the option table as help. */
#ifndef RNCL_CLI_ARGUMENTS_H
#define RNCL_CLI_ARGUMENTS_H

#include <stdio.h>

#include "command.h"

/* Fills in `options`: defaults, then --config's file, then the command line; a repeated option counts the
 * last time. argv[0] is the command's name. *help: -h or --help was there, and nothing else counts.
 * RNCL_ERR_USAGE for whatever the command does not take, naming the nearest option that it does. */
rncl_status rncl_arguments_parse(const rncl_command *command, int argc, const char **argv,
                                 rncl_options *options, bool *help);
/* Frees what rncl_arguments_parse has put into the options, also where it has failed. */
void rncl_arguments_free(rncl_options *options);

/* Every option of the command with its default, and an example. */
void rncl_arguments_help(const rncl_command *command, FILE *stream);

#endif
