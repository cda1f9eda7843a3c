/* Turns the events of launches into rows of time per label and kernel. */
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl_error.h"
#include "util.h"

rncl_status rncl_profile_start(rncl_context *context)
{
    RNCL_TRY(rncl_context_enable_timing(context));
    context->profile = calloc(1, sizeof *context->profile);
    return context->profile ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "profile");
}

void rncl_profile_destroy(rncl_profile *profile)
{
    if (!profile)
        return;
    for (size_t i = 0; i < profile->pending_count; i++)
        clReleaseEvent(profile->pending[i].event);
    free(profile->pending);
    free(profile->rows);
    free(profile);
}

rncl_status rncl_profile_record(rncl_profile *profile, const char *kernel, cl_event event)
{
    if (profile->pending_count == profile->pending_capacity) {
        size_t capacity = MAX((size_t)256, 2 * profile->pending_capacity);
        void *grown = realloc(profile->pending, capacity * sizeof *profile->pending);
        if (!grown) {
            clReleaseEvent(event);
            return RNCL_FAIL(RNCL_ERR_MEMORY, "profile of %zu launches", capacity);
        }
        profile->pending = grown;
        profile->pending_capacity = capacity;
    }
    struct rncl_profile_pending *pending = &profile->pending[profile->pending_count++];
    pending->event = event;
    pending->label = profile->label ? profile->label : "";
    snprintf(pending->kernel, sizeof pending->kernel, "%s", kernel);
    return RNCL_OK;
}

/* The row of a label and kernel, added if there is none; NULL when out of memory. */
static rncl_profile_row *row_of(rncl_profile *profile, const char *label, const char *kernel)
{
    for (size_t i = 0; i < profile->row_count; i++)
        if (!strcmp(profile->rows[i].label, label) && !strcmp(profile->rows[i].kernel, kernel))
            return &profile->rows[i];
    if (profile->row_count == profile->row_capacity) {
        size_t capacity = MAX((size_t)64, 2 * profile->row_capacity);
        void *grown = realloc(profile->rows, capacity * sizeof *profile->rows);
        if (!grown)
            return NULL;
        profile->rows = grown;
        profile->row_capacity = capacity;
    }
    rncl_profile_row *row = &profile->rows[profile->row_count++];
    *row = (rncl_profile_row){0};
    snprintf(row->label, sizeof row->label, "%s", label);
    snprintf(row->kernel, sizeof row->kernel, "%s", kernel);
    return row;
}

static rncl_status add_times(rncl_profile_row *row, cl_event event)
{
    cl_ulong start, end;
    RNCL_TRY(
        rncl_cl_status(clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL),
                       "clGetEventProfilingInfo", "a launch of %s", row->kernel));
    RNCL_TRY(rncl_cl_status(clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL),
                            "clGetEventProfilingInfo", "a launch of %s", row->kernel));
    row->launches++;
    row->time_ns += end - start;
    return RNCL_OK;
}

rncl_status rncl_profile_collect(rncl_context *context)
{
    rncl_profile *profile = context->profile;
    RNCL_TRY(rncl_context_finish(context));
    rncl_status st = RNCL_OK;
    for (size_t i = 0; i < profile->pending_count; i++) {
        cl_event event = profile->pending[i].event;
        rncl_profile_row *row = row_of(profile, profile->pending[i].label, profile->pending[i].kernel);
        if (!row)
            st = RNCL_FAIL(RNCL_ERR_MEMORY, "profile");
        if (!st)
            st = add_times(row, event);
        clReleaseEvent(event);
    }
    profile->pending_count = 0;
    return st;
}
