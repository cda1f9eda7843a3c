/* Lists of values into combinations. */
#include "sweep_grid.h"

#include <stdio.h>
#include <string.h>

#include "util.h"

static rncl_status check_value(const rncl_sweep_axis *axis, const char *value)
{
    rncl_options scratch;
    rncl_options_init(&scratch);
    for (size_t i = 0; i < axis->count; i++)
        if (!strcmp(axis->values[i], value))
            return RNCL_FAIL(RNCL_ERR_USAGE, "--%s: %s is there twice", axis->option->name, value);
    if (!*value)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--%s: a value is empty", axis->option->name);
    return rncl_options_set(&scratch, axis->option, value, RNCL_FROM_COMMAND_LINE);
}

static rncl_status read_values(char *text, rncl_sweep_axis *axis)
{
    for (char *value; (value = strsep(&text, ","));) {
        RNCL_TRY(check_value(axis, value));
        if (axis->count == RNCL_SWEEP_VALUES)
            return RNCL_FAIL(RNCL_ERR_USAGE, "--%s: more than %d values", axis->option->name,
                             RNCL_SWEEP_VALUES);
        axis->values[axis->count++] = value;
    }
    return RNCL_OK;
}

static rncl_status add_axis(char *entry, rncl_sweep_grid *grid)
{
    const char *name = strsep(&entry, "=");
    if (grid->axis_count == RNCL_SWEEP_AXES)
        return RNCL_FAIL(RNCL_ERR_USAGE, "a sweep varies up to %d options; give single values behind --",
                         RNCL_SWEEP_AXES);
    for (size_t i = 0; i < grid->axis_count; i++)
        if (!strcmp(grid->axes[i].option->name, name))
            return RNCL_FAIL(RNCL_ERR_USAGE, "--%s is there twice", name);
    rncl_sweep_axis *axis = &grid->axes[grid->axis_count++];
    axis->option = rncl_option_find(name, RNCL_FOR_TRAIN);
    return read_values(entry, axis);
}

rncl_status rncl_sweep_grid_read(const char *text, rncl_sweep_grid *out)
{
    *out = (rncl_sweep_grid){.runs = 1};
    if (!*text)
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl sweep needs something to vary, such as --lr 0.1,0.05");
    snprintf(out->text, sizeof out->text, "%s", text);
    char *rest = out->text;
    for (char *entry; (entry = strsep(&rest, " "));) {
        RNCL_TRY(add_axis(entry, out));
        out->runs *= out->axes[out->axis_count - 1].count;
        if (out->runs > RNCL_SWEEP_RUNS)
            return RNCL_FAIL(RNCL_ERR_USAGE, "a sweep has up to %d runs; give fewer values", RNCL_SWEEP_RUNS);
    }
    return RNCL_OK;
}

const char *rncl_sweep_value(const rncl_sweep_grid *grid, size_t run, size_t axis)
{
    for (size_t i = grid->axis_count - 1; i > axis; i--)
        run /= grid->axes[i].count;
    return grid->axes[axis].values[run % grid->axes[axis].count];
}

static void join(const rncl_sweep_grid *grid, size_t run, const char *between, char is,
                 char text[RNCL_SWEEP_NAME])
{
    size_t length = 0;
    for (size_t i = 0; i < grid->axis_count && length < RNCL_SWEEP_NAME; i++)
        length += (size_t)snprintf(text + length, RNCL_SWEEP_NAME - length, "%s%s%c%s", i ? between : "",
                                   grid->axes[i].option->name, is, rncl_sweep_value(grid, run, i));
}

void rncl_sweep_name(const rncl_sweep_grid *grid, size_t run, char name[RNCL_SWEEP_NAME])
{
    join(grid, run, "_", '-', name);
}

void rncl_sweep_label(const rncl_sweep_grid *grid, size_t run, char label[RNCL_SWEEP_NAME])
{
    join(grid, run, ", ", ' ', label);
}
