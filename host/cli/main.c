/* rncl: the table of commands, and the one place that turns a failure into a line and an exit status. */
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "help.h"
#include "signals.h"
#include "util.h"

const rncl_command rncl_commands[] = {
    {"devices", "Lists the OpenCL devices, numbered as --device takes them", "rncl devices --json",
     RNCL_FOR_DEVICES, rncl_devices_run, .defaults = {{0}}},
    {"doctor", "Looks for what keeps OpenCL from working here, and says what to do", "rncl doctor",
     RNCL_FOR_DOCTOR, rncl_doctor_run, .defaults = {{0}}},
    {"info", "Shows a network's layers and what they cost; needs no device", "rncl info --depth 50",
     RNCL_FOR_INFO, rncl_info_run, .defaults = {{0}}},
    {"check", "Compares every kernel with a reference on the host", "rncl check --device 1", RNCL_FOR_CHECK,
     rncl_check_command_run, .defaults = {{0}}},
    {"train", "Trains a network; without --data on the built-in set of drawn shapes",
     "rncl train --data pictures --depth 18 --augment imagenet", RNCL_FOR_TRAIN, rncl_train_run,
     .defaults = {{"self-test", "on"}, {"spot-checks", "0.5"}}, .many_options = true},
    {"sweep", "Trains once for each combination of the values that its options list",
     "rncl sweep --lr 0.1,0.05 --weight-decay 1e-4,5e-4 -- --data pictures --epochs 5", RNCL_FOR_SWEEP,
     rncl_sweep_run, .defaults = {{"out", "sweep"}}, .arguments = "-- TRAIN-OPTIONS...", .lists = true},
    {"eval", "Measures a trained model on the validation part of a data set",
     "rncl eval --model runs/mine --data pictures", RNCL_FOR_EVAL, rncl_eval_run,
     .defaults = {{"self-test", "on"}}},
    {"predict", "Classifies pictures with a trained model", "rncl predict --model runs/mine cat.jpg dog.png",
     RNCL_FOR_PREDICT, rncl_predict_run, .defaults = {{"batch-size", "32"}}, .arguments = "IMAGE|FOLDER..."},
    {"bench", "Times full training steps on random images", "rncl bench --depth 18 --batch-size 16",
     RNCL_FOR_BENCH, rncl_bench_run, .defaults = {{"steps", "10"}}},
    {"tune", "Finds the fastest kernel settings for a device and network; keeps them",
     "rncl tune --depth 18 --batch-size 16", RNCL_FOR_TUNE, rncl_tune_run, .defaults = {{0}}},
    {"tune-worker", NULL, NULL, RNCL_FOR_TUNE_WORKER, rncl_tune_worker_run, .defaults = {{0}}},
    {"kernels", "Writes a network's programs, for devices without a compiler",
     "rncl kernels --depth 18 --batch-size 16 --out kernels-18", RNCL_FOR_KERNELS, rncl_kernels_run,
     .defaults = {{0}}},
    {"watch", "Shows how runs are doing, in another terminal, until they end", "rncl watch runs/mine",
     RNCL_FOR_WATCH, rncl_watch_run, .defaults = {{0}}, .arguments = "RUN..."},
    {"plot", "Draws the curves of runs, a model's filters, or tuning results",
     "rncl plot runs/mine runs/yours", RNCL_FOR_PLOT, rncl_plot_run, .defaults = {{0}},
     .arguments = "RUN..."},
    {"report", "Writes a run as one web page: curves, confusion, mistakes, filters, configuration",
     "rncl report runs/mine", RNCL_FOR_REPORT, rncl_report_run, .defaults = {{0}}, .arguments = "RUN"},
    {"export", "Writes a trained model for ONNX runtimes or for PyTorch",
     "rncl export --model runs/mine --onnx mine.onnx", RNCL_FOR_EXPORT, rncl_export_run, .defaults = {{0}}},
    {"check-data", "Decodes every picture of a data set and lists the defects", "rncl check-data pictures",
     RNCL_FOR_CHECK_DATA, rncl_check_data_run, .defaults = {{0}}, .argument = "data"},
    {"completion", "Prints a script that completes rncl's commands and options in a shell",
     "rncl completion bash >~/.local/share/bash-completion/completions/rncl", RNCL_FOR_COMPLETION,
     rncl_completion_run, .defaults = {{0}}, .arguments = "bash|zsh|fish"},
    {"man-pages", NULL, NULL, RNCL_FOR_MAN_PAGES, rncl_man_pages_run, .defaults = {{0}}, .arguments = "DIR"},
};
const size_t rncl_command_count = COUNT(rncl_commands);

static void print_help(FILE *stream)
{
    fprintf(stream,
            "usage: rncl COMMAND [options]\n\nTrains residual networks on any OpenCL device.\n\ncommands:\n");
    for (size_t i = 0; i < COUNT(rncl_commands); i++)
        if (rncl_commands[i].summary)
            fprintf(stream, "  %-10s %s\n", rncl_commands[i].name, rncl_commands[i].summary);
    fprintf(stream, "  %-10s %s\n  %-10s %s\n", "help", "Explains a command: rncl help train", "version",
            "Prints the version of rncl");
    fputs("\n`rncl COMMAND --help` lists the options of each. For a start:\n"
          "  rncl devices\n  rncl train --arch cifar-resnet --depth 20\n",
          stream);
}

static rncl_status find_command(const char *name, const rncl_command **out)
{
    const char *names[COUNT(rncl_commands) + 2] = {"help", "version"}; /* that may have been meant */
    for (size_t i = 0; i < COUNT(rncl_commands); i++) {
        names[i + 2] = rncl_commands[i].name;
        if (!strcmp(name, rncl_commands[i].name)) {
            *out = &rncl_commands[i];
            return RNCL_OK;
        }
    }
    if (*name == '-')
        return RNCL_FAIL(RNCL_ERR_USAGE, "%s: a command comes before the options; `rncl --help` lists them",
                         name);
    const char *nearest = rncl_text_nearest(name, names, COUNT(names));
    if (!nearest)
        return RNCL_FAIL(RNCL_ERR_USAGE, "unknown command %s; `rncl --help` lists the commands", name);
    return RNCL_FAIL(RNCL_ERR_USAGE, "unknown command %s; did you mean %s? `rncl --help` lists all", name,
                     nearest);
}

static rncl_status run_command(int argc, const char **argv)
{
    const rncl_command *command;
    RNCL_TRY(find_command(argv[0], &command));
    rncl_options options;
    rncl_help_wish help;
    rncl_status st = rncl_arguments_parse(command, argc, argv, &options, &help);
    if (!st && help)
        rncl_help_print(command, help == RNCL_HELP_ALL, stdout);
    else if (!st)
        st = command->run(&options);
    rncl_arguments_free(&options);
    return st;
}

/* rncl help [COMMAND] */
static rncl_status run_help(int argc, const char **argv)
{
    const rncl_command *command;
    if (argc < 2 || !strcmp(argv[1], "help")) {
        print_help(stdout);
        return RNCL_OK;
    }
    if (argc > 2)
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl help explains one command at a time, such as `rncl help %s`",
                         argv[1]);
    RNCL_TRY(find_command(argv[1], &command));
    rncl_help_print(command, true, stdout);
    return RNCL_OK;
}

static rncl_status run_version(int argc, const char **argv)
{
    if (argc > 1)
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl version takes no argument `%s`", argv[1]);
    puts("rncl " RNCL_VERSION);
    return RNCL_OK;
}

/* What is asked of rncl itself, by all the names that people try. */
static const struct {
    const char *name;
    rncl_status (*run)(int argc, const char **argv);
} own_words[] = {
    {"help", run_help},       {"--help", run_help},       {"-h", run_help},
    {"version", run_version}, {"--version", run_version}, {"-V", run_version},
};

static rncl_status run(int argc, const char **argv)
{
    if (argc == 0)
        return run_help(argc, argv);
    for (size_t i = 0; i < COUNT(own_words); i++)
        if (!strcmp(argv[0], own_words[i].name))
            return own_words[i].run(argc, argv);
    return run_command(argc, argv);
}

int main(int argc, char **argv)
{
    rncl_status st = rncl_signals_fill_descriptors();
    if (!st)
        st = run(argc > 0 ? argc - 1 : 0, (const char **)argv + 1);
    /* What was printed may not have arrived: a full disk, a closed pipe. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && !st)
        st = RNCL_FAIL(RNCL_ERR_IO, "standard output could not be written");
    if (st)
        fprintf(stderr, "rncl: %s\n", rncl_status_message());
    return rncl_status_exit(st);
}
