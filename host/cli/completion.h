/* What a shell's completion needs to know of the tables of commands and options. */
#ifndef RNCL_CLI_COMPLETION_H
#define RNCL_CLI_COMPLETION_H

#include <stdio.h>

#include "command.h"

typedef enum rncl_completes {
    RNCL_COMPLETES_NOTHING, /* there is a value, which only the user knows */
    RNCL_COMPLETES_WORDS,
    RNCL_COMPLETES_FILES,
    RNCL_COMPLETES_NO_VALUE,
} rncl_completes;

/* What stands behind an option, or in place of a command's arguments. */
rncl_completes rncl_completes_option(const rncl_option *option);
rncl_completes rncl_completes_argument(const rncl_command *command);

/* The words of RNCL_COMPLETES_WORDS, with spaces between them. */
void rncl_completion_option_words(const rncl_option *option, FILE *stream);
void rncl_completion_argument_words(const rncl_command *command, FILE *stream);

/* The commands for people, also those that the table of commands does not have. */
void rncl_completion_commands(FILE *stream);

/* Help up to its first remark, for a string in single quotes; a quote in it is written as `quote`. */
void rncl_completion_short_help(const char *help, const char *quote, FILE *stream);

/* The scripts: what is printed goes into a file that the shell finds by itself, or is sourced. */
void rncl_completion_bash(FILE *stream);
void rncl_completion_zsh(FILE *stream);
void rncl_completion_fish(FILE *stream);

#endif
