/* Trainings of several ranks under mpirun, on this machine. Ranks share its device. */
#ifndef RNCL_TESTS_MPI_RANKS_H
#define RNCL_TESTS_MPI_RANKS_H

#include "program.h"

/* The smallest network on drawn pictures. At this learning rate rounding errors grow slowly. */
#define SMALL                                                                                                \
    "train --arch cifar-resnet --depth 8 --image 8 --augment cifar --batch-size 12 --steps 20 --workers 1 "  \
    "--lr 1e-4 --eval-every 8e-3 --spot-checks 0 "

/* Runs rncl on so many ranks, with `environment` ("NAME=value …") set in each; the launcher's own words are
 * among the errors. */
static void __attribute__((format(printf, 3, 4)))
run_ranks_in(const char *environment, int ranks, const char *format, ...)
{
    char arguments_text[1024], command[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(arguments_text, sizeof arguments_text, format, arguments);
    va_end(arguments);
    snprintf(command, sizeof command, "cd %s && >output 2>errors %s -n %d env %s %s %s", program_folder,
             RNCL_MPIRUN, ranks, environment, RNCL_BINARY, arguments_text);
    const int status = system(command);
    assert_true(WIFEXITED(status));
    result.exit_status = WEXITSTATUS(status);
    read_text("output", result.output, sizeof result.output);
    read_text("errors", result.errors, sizeof result.errors);
}

#define run_ranks(...) run_ranks_in("", __VA_ARGS__)

#endif
