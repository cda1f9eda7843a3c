/* rncl: the table of commands, and the one place that turns a failure into a line and an exit status. */
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "util.h"

static const rncl_command commands[] = {
    {"devices", "Lists the OpenCL devices of all platforms, numbered as --device takes them",
     "rncl devices --json", RNCL_FOR_DEVICES, rncl_devices_run, .defaults = {{0}}},
    {"info", "Shows what a network is made of and what it costs for one image; needs no device",
     "rncl info --depth 50", RNCL_FOR_INFO, rncl_info_run, .defaults = {{0}}},
    {"check", "Compares every kernel, forward and backward, with a reference on the host",
     "rncl check --device 1", RNCL_FOR_CHECK, rncl_check_command_run, .defaults = {{0}}},
    {"train", "Trains a network; without --data on the built-in set of drawn shapes",
     "rncl train --arch cifar-resnet --depth 20 --data /usr/share/datasets/fashion-mnist --epochs 5",
     RNCL_FOR_TRAIN, rncl_train_run, .defaults = {{0}}},
    {"eval", "Measures a trained model on the validation part of a data set",
     "rncl eval --model runs/mine/best.safetensors --data /usr/share/datasets/fashion-mnist", RNCL_FOR_EVAL,
     rncl_eval_run, .defaults = {{0}}},
    {"predict", "Says what a trained model sees in pictures",
     "rncl predict --model runs/mine/best.safetensors cat.jpg dog.png", RNCL_FOR_PREDICT, rncl_predict_run,
     .defaults = {{"batch-size", "32"}}, .arguments = "IMAGE..."},
    {"bench", "Times full training steps on random images", "rncl bench --depth 18 --batch-size 16",
     RNCL_FOR_BENCH, rncl_bench_run, .defaults = {{"steps", "10"}}},
    {"tune", "Finds the fastest kernel parameters for this device and network, and keeps them",
     "rncl tune --depth 18 --batch-size 16", RNCL_FOR_TUNE, rncl_tune_run, .defaults = {{0}}},
    {"tune-worker", NULL, NULL, RNCL_FOR_TUNE_WORKER, rncl_tune_worker_run, .defaults = {{0}}},
    {"plot", "Draws errors or losses of runs against iterations",
     "rncl plot runs/mine runs/yours --out errors.png", RNCL_FOR_PLOT, rncl_plot_run, .defaults = {{0}},
     .arguments = "RUN..."},
    {"check-data", "Decodes every picture of a data set and lists what is wrong with it",
     "rncl check-data pictures", RNCL_FOR_CHECK_DATA, rncl_check_data_run, .defaults = {{0}},
     .argument = "data"},
};

static void print_help(FILE *stream)
{
    fprintf(stream,
            "usage: rncl COMMAND [options]\n\nTrains residual networks on any OpenCL device.\n\ncommands:\n");
    for (size_t i = 0; i < COUNT(commands); i++)
        if (commands[i].summary)
            fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(stream, "\n`rncl COMMAND --help` lists the options of each. For a start: `rncl %s`\n",
            commands[0].name);
}

static rncl_status find_command(const char *name, const rncl_command **out)
{
    const char *names[COUNT(commands)];
    for (size_t i = 0; i < COUNT(commands); i++) {
        names[i] = commands[i].name;
        if (!strcmp(name, names[i])) {
            *out = &commands[i];
            return RNCL_OK;
        }
    }
    if (*name == '-')
        return RNCL_FAIL(RNCL_ERR_USAGE, "%s: a command comes before the options; `rncl --help` lists them",
                         name);
    const char *nearest = rncl_text_nearest(name, names, COUNT(names));
    if (!nearest)
        return RNCL_FAIL(RNCL_ERR_USAGE, "unknown command %s; `rncl --help` lists those that there are",
                         name);
    return RNCL_FAIL(RNCL_ERR_USAGE, "unknown command %s; did you mean %s? `rncl --help` lists all", name,
                     nearest);
}

static rncl_status run_command(int argc, const char **argv)
{
    const rncl_command *command;
    RNCL_TRY(find_command(argv[0], &command));
    rncl_options options;
    bool help;
    rncl_status st = rncl_arguments_parse(command, argc, argv, &options, &help);
    if (!st && help)
        rncl_arguments_help(command, stdout);
    else if (!st)
        st = command->run(&options);
    rncl_arguments_free(&options);
    return st;
}

static rncl_status run(int argc, const char **argv)
{
    if (argc < 2)
        return RNCL_FAIL(RNCL_ERR_USAGE, "a command is missing; `rncl --help` lists them");
    if (!strcmp(argv[1], "--version")) {
        puts("rncl " RNCL_VERSION);
        return RNCL_OK;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        print_help(stdout);
        return RNCL_OK;
    }
    return run_command(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    rncl_status st = run(argc, (const char **)argv);
    /* What was printed may not have arrived: a full disk, a closed pipe. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && !st)
        st = RNCL_FAIL(RNCL_ERR_IO, "standard output could not be written");
    if (st)
        fprintf(stderr, "rncl: %s\n", rncl_status_message());
    return rncl_status_exit(st);
}
