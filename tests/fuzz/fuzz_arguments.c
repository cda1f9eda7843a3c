/* The command line: the first byte chooses the command, the rest is its arguments, separated by zero bytes.
 */
#include "arguments.h"
#include "fuzz.h"

enum { MOST_ARGUMENTS = 32 };

/* Commands with only the fields that parsing uses. */
static const rncl_command commands[] = {
    {"train", "", "", RNCL_FOR_TRAIN, NULL, .defaults = {{0}}},
    {"eval", "", "", RNCL_FOR_EVAL, NULL, .defaults = {{0}}},
    {"predict", "", "", RNCL_FOR_PREDICT, NULL, .defaults = {{"batch-size", "32"}}, .arguments = "IMAGE..."},
    {"tune", "", "", RNCL_FOR_TUNE, NULL, .defaults = {{0}}},
    {"check-data", "", "", RNCL_FOR_CHECK_DATA, NULL, .defaults = {{0}}, .argument = "data"},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const rncl_command *command = &commands[data[0] % (sizeof commands / sizeof *commands)];
    char *text = malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    const char *argv[MOST_ARGUMENTS + 1] = {command->name};
    int argc = 1;
    for (size_t at = 0; at < size - 1 && argc < MOST_ARGUMENTS; at += strlen(text + at) + 1)
        argv[argc++] = text + at;
    rncl_options options;
    rncl_help_wish help;
    rncl_arguments_parse(command, argc, argv, &options, &help);
    rncl_arguments_free(&options);
    free(text);
    return 0;
}
