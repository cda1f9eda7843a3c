/* The public interface of include/rncl/rncl.h: options by name, a device, and the trainer. */
#include <stdlib.h>

#include "device.h"
#include "rncl/rncl.h"
#include "trainer.h"
#include "util.h"

struct rncl_session {
    rncl_options options;
};

const char *rncl_version(void)
{
    return RNCL_VERSION;
}

rncl_status rncl_devices(rncl_device_info **devices, size_t *count)
{
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

rncl_status rncl_session_create(rncl_session **out)
{
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

rncl_status rncl_session_set(rncl_session *session, const char *name, const char *value)
{
    const rncl_option *option = rncl_option_find(name, RNCL_FOR_TRAIN | RNCL_FOR_EVAL);
    if (!option)
        return RNCL_FAIL(RNCL_ERR_USAGE, "no option %s; `rncl train --help` lists them", name);
    return rncl_options_set(&session->options, option, value, RNCL_FROM_COMMAND_LINE);
}

/* Opens the device that the session's options choose. */
static rncl_status open_device(const rncl_session *session, rncl_context **out)
{
    *out = NULL;
    rncl_device_list *list;
    RNCL_TRY(rncl_device_list_create(NULL, &list));
    const rncl_device *device;
    rncl_status st = rncl_device_choose(list, session->options.device, &device);
    if (!st)
        st = rncl_context_create(device, NULL, out);
    rncl_device_list_destroy(list);
    return st;
}

rncl_status rncl_session_train(rncl_session *session, const rncl_train_listener *listener,
                               rncl_train_result *result)
{
    const rncl_train_listener nobody = {0};
    rncl_context *context;
    RNCL_TRY(open_device(session, &context));
    rncl_status st = rncl_train(context, &session->options, listener ? listener : &nobody, result);
    rncl_context_destroy(context);
    return st;
}

rncl_status rncl_session_evaluate(rncl_session *session, rncl_evaluation *result)
{
    rncl_context *context;
    RNCL_TRY(open_device(session, &context));
    rncl_status st = rncl_evaluate(context, &session->options, result, NULL);
    rncl_context_destroy(context);
    return st;
}
