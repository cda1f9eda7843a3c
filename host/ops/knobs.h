/* What can be chosen about a pass's kernels on a device: which knobs there are, the values worth trying, and
 * the choice that somebody (the tuner) made. */
#ifndef RNCL_OPS_KNOBS_H
#define RNCL_OPS_KNOBS_H

#include <stdbool.h>
#include <stddef.h>

enum { RNCL_KNOBS = 32, RNCL_KNOB_VALUES = 12, RNCL_KNOB_NAME = 24, RNCL_ALGORITHM_NAME = 24 };

/* A knob's name in settings, and the macro that kernels are compiled with; NULL: it is a kernel argument or
 * decides the launch. */
typedef struct rncl_knob_name {
    const char *name, *define;
} rncl_knob_name;

/* Declares the knobs of a row from one list: an enum of their places in rncl_pass.values, and their names.
 *
 *     #define KNOBS(X) X(VW, "vw", "VW") X(ROWS, "rows", NULL)
 *     RNCL_DECLARE_KNOBS(KNOBS)
 *
 * makes VW = 0, ROWS = 1, KNOB_COUNT = 2 and knob_names[]. */
#define RNCL_KNOB_PLACE(place, name, define) place,
#define RNCL_KNOB_NAMES(place, name, define) {name, define},
#define RNCL_DECLARE_KNOBS(LIST)                                                                             \
    enum { LIST(RNCL_KNOB_PLACE) KNOB_COUNT };                                                               \
    static const rncl_knob_name knob_names[] = {LIST(RNCL_KNOB_NAMES)};

/* One knob of one pass on one device. `preset` is what is taken untuned, and is among the values. */
typedef struct rncl_knob {
    rncl_knob_name is;
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

/* Adds a knob behind those that are there; the preset joins the values if it is not among them. */
void rncl_knobs_add(rncl_knobs *knobs, rncl_knob_name name, int preset, const int *values, size_t count);

/* Adds one whose values are `first` and its products with powers of two, up to `most`. */
void rncl_knobs_add_doubling(rncl_knobs *knobs, rncl_knob_name name, int preset, int first, int most);

/* Writes the value of each knob in order: the setting's where it names one, else the preset. False if the
 * setting names a knob or a value that is not there: it was made for other kernels. NULL: all presets. */
bool rncl_knobs_resolve(const rncl_knobs *knobs, const rncl_setting *setting, int *values);

/* The setting that resolves to `values`; it names every knob, since presets may change. */
rncl_setting rncl_knobs_setting(const rncl_knobs *knobs, const char *algorithm, const int *values);

#endif
