/* The device for the tests of tuning. */
#ifndef RNCL_TESTS_TUNE_TUNE_DEVICE_H
#define RNCL_TESTS_TUNE_TUNE_DEVICE_H

#include <stdlib.h>

#include "binaries.h"
#include "context.h"
#include "device.h"

static rncl_context *context;

/* $RNCL_TEST_DEVICE, or any. */
static inline rncl_status open_context(void)
{
    rncl_device_list *list;
    const rncl_device *device;
    keep_no_binaries();
    RNCL_TRY(rncl_device_list_create(NULL, &list));
    rncl_status st = rncl_device_choose(list, getenv("RNCL_TEST_DEVICE"), &device);
    if (!st)
        st = rncl_context_create(device, NULL, &context);
    rncl_device_list_destroy(list);
    return st;
}

#endif
