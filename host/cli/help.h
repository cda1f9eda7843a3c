/* The option table as help. */
#ifndef RNCL_CLI_HELP_H
#define RNCL_CLI_HELP_H

#include <stdio.h>

#include "command.h"

/* Usage, options in groups with their defaults, and an example. Where a command has many options, `all` false
 * explains the common ones and names the others with their defaults. */
void rncl_help_print(const rncl_command *command, bool all, FILE *stream);

#endif
