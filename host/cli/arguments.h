/* From argv to options. */
#ifndef RNCL_CLI_ARGUMENTS_H
#define RNCL_CLI_ARGUMENTS_H

#include "command.h"

typedef enum rncl_help_wish {
    RNCL_HELP_NONE,
    RNCL_HELP_SHORT, /* -h or --help */
    RNCL_HELP_ALL,   /* --help-all */
} rncl_help_wish;

/* Fills in `options`: defaults, then --config's file, then the command line; a repeated option counts the
 * last time. argv[0] is the command's name. *help: what help was asked for; if any, nothing else counts.
 * RNCL_ERR_USAGE for whatever the command does not take, naming the nearest option that it does. */
rncl_status rncl_arguments_parse(const rncl_command *command, int argc, const char **argv,
                                 rncl_options *options, rncl_help_wish *help);
/* Frees what rncl_arguments_parse has put into the options, also where it has failed. */
void rncl_arguments_free(rncl_options *options);

#endif
