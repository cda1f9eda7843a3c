/* What can be chosen about an operation's kernels on a device: which knobs there are, the values worth
 * trying, and the choice that somebody (the tuner) made. */
#ifndef RNCL_OPS_KNOBS_H
#define RNCL_OPS_KNOBS_H

#include <stdbool.h>
#include <stddef.h>

enum { RNCL_KNOBS = 32, RNCL_KNOB_VALUES = 12, RNCL_KNOB_NAME = 24, RNCL_ALGORITHM_NAME = 24 };

/* One knob of one problem on one device. `preset` is what is taken untuned, and is among the values. */
typedef struct rncl_knob {
    const char *name;
    int preset, count;
    int values[RNCL_KNOB_VALUES];
} rncl_knob;

typedef struct rncl_knobs {
    int count;
    rncl_knob knobs[RNCL_KNOBS];
} rncl_knobs;

/* A choice, by names, so that it can be kept in a file: which algorithm ("" where there is but one), and
 * values of its knobs. A knob that is not named stands at its preset. */
typedef struct rncl_setting {
    char algorithm[RNCL_ALGORITHM_NAME];
    int count;
    struct {
        char name[RNCL_KNOB_NAME];
        int value;
    } knobs[RNCL_KNOBS];
} rncl_setting;

/* Adds a knob; the preset joins the values if it is not among them. */
void rncl_knobs_add(rncl_knobs *knobs, const char *name, int preset, const int *values, size_t count);

/* Adds one whose values are `first` and its products with powers of two, up to `most`. */
void rncl_knobs_add_doubling(rncl_knobs *knobs, const char *name, int preset, int first, int most);

/* Writes the value of each knob in order: the setting's where it names one, else the preset. False if the
 * setting names a knob or a value that is not there: it was made for other kernels. NULL: all presets. */
bool rncl_knobs_resolve(const rncl_knobs *knobs, const rncl_setting *setting, int *values);

/* The setting that resolves to `values`; it names every knob, since presets may change. */
rncl_setting rncl_knobs_setting(const rncl_knobs *knobs, const char *algorithm, const int *values);

#endif
