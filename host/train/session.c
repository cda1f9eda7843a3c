/* The session of include/rncl/rncl.h: options by name, a log, images in memory; and what it does with them.
 * Each call works on a copy of the options, since it completes them. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "automatic.h"
#include "check.h"
#include "device.h"
#include "inputs.h"
#include "memory.h"
#include "network_info.h"
#include "planning.h"
#include "trainer.h"
#include "tuning.h"
#include "util.h"

const char *rncl_version(void)
{
    return RNCL_VERSION;
}

rncl_status rncl_devices(rncl_device_info **devices, size_t *count)
{
    RNCL_NEED(devices);
    RNCL_NEED(count);
    *devices = NULL;
    *count = 0;
    rncl_device_list *list;
    RNCL_TRY(rncl_device_list_create(NULL, &list));
    rncl_status st = RNCL_OK;
    if (list->count) {
        *devices = calloc(list->count, sizeof **devices);
        if (!*devices)
            st = RNCL_FAIL(RNCL_ERR_MEMORY, "list of devices");
    }
    for (size_t i = 0; *devices && i < list->count; i++)
        (*devices)[i] = list->devices[i].info;
    if (*devices)
        *count = list->count;
    rncl_device_list_destroy(list);
    return st;
}

/* ---- options ---- */

rncl_status rncl_session_create(rncl_session **out)
{
    RNCL_NEED(out);
    *out = calloc(1, sizeof **out);
    if (!*out)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "session");
    rncl_options_init(&(*out)->options);
    return RNCL_OK;
}

void rncl_session_destroy(rncl_session *session)
{
    free(session);
}

static rncl_status find_option(const char *name, const rncl_option **out)
{
    *out = rncl_option_find(name, RNCL_FOR_LIBRARY);
    if (!*out)
        return rncl_option_unknown(name, RNCL_FOR_LIBRARY);
    if ((*out)->prints)
        return RNCL_FAIL(RNCL_ERR_USAGE, "option %s says how the command line prints, and a session does not",
                         name);
    return RNCL_OK;
}

/* A file may set several options before one fails. */
static rncl_status read_config(rncl_session *session, const char *path)
{
    rncl_options options = session->options;
    RNCL_TRY(rncl_options_take_config(&options, path, RNCL_FOR_LIBRARY));
    session->options = options;
    return RNCL_OK;
}

rncl_status rncl_session_set(rncl_session *session, const char *name, const char *value)
{
    RNCL_NEED(session);
    RNCL_NEED(name);
    RNCL_NEED(value);
    const rncl_option *option;
    RNCL_TRY(find_option(name, &option));
    if (!strcmp(name, "config") && *value)
        RNCL_TRY(read_config(session, value));
    return rncl_options_set(&session->options, option, value, RNCL_FROM_COMMAND_LINE);
}

rncl_status rncl_session_get(const rncl_session *session, const char *name, char value[RNCL_TEXT_LENGTH])
{
    RNCL_NEED(session);
    RNCL_NEED(name);
    RNCL_NEED(value);
    const rncl_option *option;
    RNCL_TRY(find_option(name, &option));
    rncl_option_format(&session->options, option, value, RNCL_TEXT_LENGTH);
    return RNCL_OK;
}

void rncl_session_set_log(rncl_session *session, const rncl_log *log)
{
    session->log = log ? *log : (rncl_log){0};
}

static rncl_status check_pair(const rncl_image_set *training, const rncl_image_set *validation)
{
    if (training->channels != validation->channels || training->classes != validation->classes)
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "training images have %d channels and %d classes, validation images %d and %d: they "
                         "must be the same",
                         training->channels, training->classes, validation->channels, validation->classes);
    return RNCL_OK;
}

rncl_status rncl_session_set_images(rncl_session *session, const rncl_image_set *training,
                                    const rncl_image_set *validation)
{
    RNCL_NEED(session);
    static const rncl_image_set none = {0};
    if (training && !validation)
        return RNCL_FAIL(RNCL_ERR_USAGE, "there are images for training, and none for validation");
    if (validation)
        RNCL_TRY(rncl_memory_check(validation, true, "validation"));
    if (training) {
        RNCL_TRY(rncl_memory_check(training, true, "training"));
        RNCL_TRY(check_pair(training, validation));
    }
    session->options.training_images = training ? *training : none;
    session->options.validation_images = validation ? *validation : none;
    return RNCL_OK;
}

/* ---- what sessions do ---- */

rncl_status rncl_session_open_device(const rncl_session *session, rncl_context **out)
{
    *out = NULL;
    rncl_device_list *list;
    RNCL_TRY(rncl_device_list_create(NULL, &list));
    const rncl_device *device;
    rncl_status st = rncl_device_choose(list, session->options.device, &device);
    if (!st)
        st = rncl_context_create(device, &session->log, out);
    if (!st)
        st = rncl_context_prepare(*out, &session->options);
    if (st) {
        rncl_context_destroy(*out);
        *out = NULL;
    }
    rncl_device_list_destroy(list);
    return st;
}

rncl_status rncl_session_train(const rncl_session *session, const rncl_train_listener *listener,
                               rncl_train_result *result)
{
    RNCL_NEED(session);
    const rncl_train_listener nobody = {0};
    rncl_train_result ignored;
    rncl_options options = session->options;
    rncl_context *context;
    RNCL_TRY(rncl_session_open_device(session, &context));
    rncl_status st =
        rncl_train(context, &options, listener ? listener : &nobody, NULL, result ? result : &ignored);
    rncl_context_destroy(context);
    return st;
}

rncl_status rncl_session_evaluate(const rncl_session *session, rncl_evaluation *result)
{
    RNCL_NEED(session);
    RNCL_NEED(result);
    *result = (rncl_evaluation){0};
    rncl_options options = session->options;
    if (!options.model[0])
        return RNCL_FAIL(RNCL_ERR_USAGE, "evaluation needs option model, a file of weights");
    rncl_automatic_settle(&options);
    rncl_context *context;
    RNCL_TRY(rncl_session_open_device(session, &context));
    rncl_status st = rncl_evaluate(context, &options, result, NULL);
    rncl_context_destroy(context);
    return st;
}

rncl_status rncl_session_network(const rncl_session *session, rncl_network_info **out)
{
    RNCL_NEED(session);
    RNCL_NEED(out);
    rncl_options options = session->options;
    return rncl_network_info_create(&options, &session->log, out);
}

rncl_status rncl_session_check(const rncl_session *session,
                               void (*report)(void *user, const rncl_check_result *result), void *user,
                               rncl_check_summary *summary)
{
    RNCL_NEED(session);
    const rncl_options *options = &session->options;
    rncl_check_summary ignored;
    const rncl_check_options what = {
        .seed = options->seed,
        .shapes = options->shapes,
        .work = RNCL_CHECK_WORK,
        .filter = options->operation[0] ? options->operation : NULL,
        .algorithm = options->algorithm[0] ? options->algorithm : NULL,
        .report = report,
        .user = user,
    };
    rncl_context *context;
    RNCL_TRY(rncl_session_open_device(session, &context));
    rncl_status st = rncl_check_run(context, &what, summary ? summary : &ignored);
    rncl_context_destroy(context);
    return st;
}

/* Image size, classes and batch as training would have them. */
static rncl_status complete(rncl_options *options, const rncl_log *log)
{
    rncl_automatic_settle(options);
    if (!options->data[0] && !rncl_inputs_in_memory(options))
        return RNCL_OK;
    rncl_inputs inputs;
    RNCL_TRY(rncl_inputs_open(options, true, log, &inputs));
    rncl_status st = rncl_inputs_complete(&inputs, options);
    if (!st)
        rncl_automatic_complete(options, inputs.training->info.count);
    rncl_inputs_close(&inputs);
    return st;
}

rncl_status rncl_session_tune(const rncl_session *session, rncl_tune_result *result)
{
    RNCL_NEED(session);
    rncl_options options = session->options;
    rncl_tuning tuning = {0};
    RNCL_TRY(complete(&options, &session->log));
    rncl_context *context;
    RNCL_TRY(rncl_session_open_device(session, &context));
    rncl_status st = rncl_tuning_run(context, &options, (double)options.budget, &tuning);
    if (!st && result)
        *result = rncl_tuning_result(&tuning);
    rncl_tuning_fini(&tuning);
    rncl_context_destroy(context);
    return st;
}
