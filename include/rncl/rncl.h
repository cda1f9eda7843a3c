/** @file
 * librncl: training residual networks on any OpenCL device. This header includes all of the public interface;
 * it needs neither OpenCL's headers nor any other.
 *
 * A session is the command line without a command line: options are set by the names that `rncl train --help`
 * and its neighbours list, and fail with the same messages. What a session creates (a rncl_trainer, a
 * rncl_predictor) is independent of it afterwards.
 *
 * Errors: every function that can fail returns a rncl_status, and rncl_status_message() says what went wrong,
 * where, and what to do. A pointer that must not be NULL and is gives RNCL_ERR_USAGE. Results leave through
 * the last parameter and are the caller's.
 *
 * Threads: one object is used by one thread at a time; different objects, also of one device, are
 * independent. Messages are kept per thread.
 *
 * Process: the library does not print, does not exit, installs no signal handlers, and reads and writes
 * numbers with a decimal point whatever the program's locale is. It reads the environment variables
 * RNCL_DEVICE (default of option `device`), RNCL_PROGRAM, RNCL_TUNING_DIR, RNCL_KERNELS, XDG_CACHE_HOME
 * (compiled kernels), XDG_DATA_HOME (tuning results) and HOME; a program that changes the environment does so
 * before it starts threads. */
#ifndef RNCL_RNCL_H
#define RNCL_RNCL_H

#include <stddef.h>
#include <stdint.h>

#include "rncl/device.h"
#include "rncl/images.h"
#include "rncl/log.h"
#include "rncl/predictor.h"
#include "rncl/status.h"
#include "rncl/trainer.h"
#include "rncl/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The library's version, which may be newer than the header's RNCL_VERSION. */
RNCL_API const char *rncl_version(void);

/** Every OpenCL device, in the order in which option `device` numbers them. *devices is the caller's to
 * free(); with no device it is NULL and *count 0, which is no failure. */
RNCL_API rncl_status rncl_devices(rncl_device_info **devices, size_t *count);

/** @name Sessions
 * @{ */

/** All options at their defaults, which are those of `rncl train`. *out is NULL on failure. */
RNCL_API rncl_status rncl_session_create(rncl_session **out);
RNCL_API void rncl_session_destroy(rncl_session *session); /**< takes NULL */

/** Sets an option, as in rncl_session_set(session, "batch-size", "128"). Takes the options of `rncl train`,
 * `eval`, `predict`, `tune` and `check`, except those that only say how the command line prints. Switches
 * take "on" and "off". `config` reads a file of `name = value` lines at once; values that were set, before or
 * after, win over it. `tune` "auto" lets training tune for a minute before its first step. RNCL_ERR_USAGE for
 * an unknown name or a value out of range, naming what is possible, and for a `config` that cannot be read.
 * The session is unchanged then. */
RNCL_API rncl_status rncl_session_set(rncl_session *session, const char *name, const char *value);

/** The value of an option as rncl_session_set takes it; "" for a text that is not set. RNCL_ERR_USAGE for an
 * unknown name. */
RNCL_API rncl_status rncl_session_get(const rncl_session *session, const char *name,
                                      char value[RNCL_TEXT_LENGTH]);

/** Where remarks go from now on, those of trainers and predictors that are created later included; NULL:
 * nowhere. The struct is copied. */
RNCL_API void rncl_session_set_log(rncl_session *session, const rncl_log *log);

/** Images in memory, in place of option `data`. `training` may be NULL where nothing is trained. The structs
 * are copied; what they point to is not, and must outlive the session's use of it. `validation` NULL, with
 * `training` NULL: back to option `data`. RNCL_ERR_USAGE if a set lacks pixels, labels or classes, or both
 * sets do not fit together; RNCL_ERR_DATA for a label out of range. */
RNCL_API rncl_status rncl_session_set_images(rncl_session *session, const rncl_image_set *training,
                                             const rncl_image_set *validation);

/** @}
 * @name What sessions do
 * @{ */

/** Trains to the end into a run folder: option `out`, or a new runs/DATE-ARCH-DEPTH for each call. No run is
 * overwritten: RNCL_ERR_USAGE if `out` holds one. `listener` and `result` may be NULL. On
 * RNCL_ERR_INTERRUPTED and RNCL_ERR_DIVERGED the run folder holds what was saved, and *result tells how far
 * it went. */
RNCL_API rncl_status rncl_session_train(const rncl_session *session, const rncl_train_listener *listener,
                                        rncl_train_result *result);

/** Evaluates the file of option `model` on the validation images. With option `report`, tables of classes are
 * written into that folder. RNCL_ERR_DIVERGED if outputs of the model are not finite; *result is filled in
 * then, and no tables are written. */
RNCL_API rncl_status rncl_session_evaluate(const rncl_session *session, rncl_evaluation *result);

/** A network, without having been run. */
typedef struct rncl_network_info {
    const char *arch;          /**< "resnet", "cifar-resnet", ... */
    int depth;                 /**< layers with weights, as option `depth` */
    int image;                 /**< height and width of the input in pixels */
    int channels;              /**< of the input */
    int classes;               /**< outputs */
    uint64_t parameters;       /**< learnt numbers, without running statistics */
    uint64_t macs;             /**< multiply-adds of convolutions and linear layers for one image */
    uint64_t activations;      /**< numbers that layers write for one image */
    const char *const *labels; /**< [label_count], UTF-8; NULL: classes have no names */
    int label_count;           /**< at most classes */
} rncl_network_info;

/** The network of option `model`, or the one that the options describe: its image size, channels and classes
 * then come from the image sets or option `data`, and without either they are those of `rncl info`. Needs no
 * device. *out and everything in it is one allocation, the caller's to free(); NULL on failure. */
RNCL_API rncl_status rncl_session_network(const rncl_session *session, rncl_network_info **out);

/** One comparison of a kernel with the reference on the host. */
typedef struct rncl_check_result {
    char name[256];   /**< operation, algorithm, shape, variant and result: "conv/direct n2 h9 w7 ...: dx" */
    double error;     /**< relative, in the L2 norm; 1e30: no number tells it, the name does */
    double tolerance; /**< 0: the result must be exact */
    bool ok;          /**< the error is within the tolerance */
} rncl_check_result;

/** How many comparisons came out well, and how many did not. */
typedef struct rncl_check_summary {
    int passed; /**< comparisons within their tolerance */
    int failed; /**< all others */
} rncl_check_summary;

/** Compares every kernel, forward and backward, with a reference on the host, on the session's device:
 * minutes on a slow one; options `operation` and `shapes` make it shorter. `report`, which may be NULL, is
 * called with each result. RNCL_ERR_WRONG_RESULT, after all have been tried, if one was wrong. `summary` may
 * be NULL. */
RNCL_API rncl_status rncl_session_check(const rncl_session *session,
                                        void (*report)(void *user, const rncl_check_result *result),
                                        void *user, rncl_check_summary *summary);

/** What tuning has found for the passes of a training step that can be tuned. */
typedef struct rncl_tune_result {
    int passes;                   /**< that the network has and that can be tuned */
    int tuned;                    /**< those of them that the time was enough for */
    double preset_ms;             /**< all of them in one step, untuned */
    double tuned_ms;              /**< the same, tuned */
    char store[RNCL_TEXT_LENGTH]; /**< the file of results, which every later training reads */
} rncl_tune_result;

/** Finds the fastest kernel parameters for the session's network, batch size and device within option
 * `budget` seconds. Image size and classes are found as in rncl_session_network. Called again, it goes on
 * where it was.
 *
 * A trial of a kernel may crash its process, so trials run in child processes of the program `rncl`, of the
 * same version as the library. It is looked for, in this order: option `tune-program`, the environment
 * variable RNCL_PROGRAM, the folder of the library or of the program that it is linked into, the bin folder
 * of the same installation, and the bin folder that was configured. RNCL_ERR_FAILURE if there is none.
 * `result` may be NULL. */
RNCL_API rncl_status rncl_session_tune(const rncl_session *session, rncl_tune_result *result);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
