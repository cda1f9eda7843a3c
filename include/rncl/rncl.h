/* librncl: training residual networks on any OpenCL device. This is all of its public interface; it needs
 * neither OpenCL's headers nor any other.
 *
 * A session is the command line without a command line: options are set by the names that `rncl train --help`
 * lists, and fail with the same messages. One session is used by one thread at a time; different sessions are
 * independent. */
#ifndef RNCL_RNCL_H
#define RNCL_RNCL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rncl/device.h"
#include "rncl/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RNCL_VERSION "0.1.0"

/* Longest text that an option takes, with its end. */
enum { RNCL_TEXT_LENGTH = 512 };

/* The library's version, which may be newer than the header's. */
RNCL_API const char *rncl_version(void);

/* Every OpenCL device, in the order in which the option `device` numbers them. *devices is the caller's to
 * free(); with no device it is NULL and *count 0. */
RNCL_API rncl_status rncl_devices(rncl_device_info **devices, size_t *count);

/* How far training is; handed out after every step and every evaluation. */
typedef struct rncl_progress {
    int64_t step, steps; /* done, in all, of this run from its very beginning */
    double epoch, epochs;
    double loss, top1; /* of the last collected step: mean loss; percent */
    float lr;
    double images_per_second;     /* compiling aside; 0 before the second step */
    double seconds, seconds_left; /* the latter NaN before the second step */
    double waiting;               /* share of the time so far that the device waited for data, 0 to 1 */
    bool evaluated; /* an evaluation has just ended, and the three fields below are its results */
    double val_loss, val_top1, val_top5;
    double first_step_seconds; /* from the start of training to the end of the first step; 0 before */
} rncl_progress;

typedef struct rncl_train_listener {
    void (*progress)(void *user, const rncl_progress *progress); /* NULL: nobody looks */
    void *user;
    const volatile sig_atomic_t *stop; /* non-zero: save and end with RNCL_ERR_INTERRUPTED; NULL: never */
} rncl_train_listener;

typedef struct rncl_train_result {
    char run[RNCL_TEXT_LENGTH]; /* the run folder */
    int64_t steps;
    double seconds; /* of training, this process */
    double images_per_second;
    double waiting;
    double val_loss, val_top1, val_top5, best_top1;
} rncl_train_result;

typedef struct rncl_evaluation {
    int64_t images;
    double loss, top1, top5; /* mean loss; percent */
    double images_per_second;
} rncl_evaluation;

typedef struct rncl_session rncl_session;

/* All options at their defaults. */
RNCL_API rncl_status rncl_session_create(rncl_session **out);
RNCL_API void rncl_session_destroy(rncl_session *session); /* takes NULL */

/* rncl_session_set(session, "batch-size", "128"). RNCL_ERR_USAGE for an unknown name or a value out of range.
 */
RNCL_API rncl_status rncl_session_set(rncl_session *session, const char *name, const char *value);

/* Trains into a run folder. `listener` may be NULL. */
RNCL_API rncl_status rncl_session_train(rncl_session *session, const rncl_train_listener *listener,
                                        rncl_train_result *result);

/* Evaluates the file of option `model` on the validation part of `data`. */
RNCL_API rncl_status rncl_session_evaluate(rncl_session *session, rncl_evaluation *result);

#ifdef __cplusplus
}
#endif

#endif
