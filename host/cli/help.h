/* The option table as help. */
#ifndef RNCL_CLI_HELP_H
#define RNCL_CLI_HELP_H

#include <stdio.h>

#include "command.h"

/* Usage, options in groups with their defaults, and an example. Where a command has many options, `all` false
 * explains the common ones and names the others with their defaults. */
void rncl_help_print(const rncl_command *command, bool all, FILE *stream);

/* Titles of the groups of options. */
extern const char *const rncl_help_groups[RNCL_GROUP_COUNT];

/* The option as it is given: "--arch resnet|plain", "--shuffle on|off". */
void rncl_help_left(const rncl_option *option, char *text, size_t size);

/* What the arguments without a name are: "RUN..."; NULL if the command takes none. */
const char *rncl_help_argument(const rncl_command *command);

/* Titles of the groups of options. */
extern const char *const rncl_help_groups[RNCL_GROUP_COUNT];

/* The text of an option's default for this command; NULL if there is none. */
const char *rncl_help_default(const rncl_command *command, const rncl_option *option);

/* The option as it is given: "--arch resnet|plain", "--shuffle on|off". */
void rncl_help_left(const rncl_option *option, char *text, size_t size);

/* What the arguments without a name are: "RUN..."; NULL if the command takes none. */
const char *rncl_help_argument(const rncl_command *command);

#endif
