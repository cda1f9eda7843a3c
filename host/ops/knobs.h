/* The tuning parameters of a pass's kernels: the knobs, the values worth trying, and a setting, which is a
 * choice among them. */
#ifndef RNCL_OPS_KNOBS_H
#define RNCL_OPS_KNOBS_H

#include <stdbool.h>
#include <stddef.h>

enum { RNCL_KNOBS = 32, RNCL_KNOB_VALUES = 12, RNCL_KNOB_NAME = 24, RNCL_ALGORITHM_NAME = 24 };

/* A knob's name in settings, and the macro that passes it to the kernel. Without a macro (NULL) it is a
 * kernel argument or affects only the launch. */
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

/* One knob of one pass on one device. `preset` is its value without tuning, and one of `values`. */
typedef struct rncl_knob {
    rncl_knob_name is;
    bool of_batch; /* it divides the batch among work-groups: what suits one batch does not suit others */
    int preset, count;
    int values[RNCL_KNOB_VALUES];
} rncl_knob;

typedef struct rncl_knobs {
    int count;
    rncl_knob knobs[RNCL_KNOBS];
} rncl_knobs;

/* A choice of algorithm ("" where there is only one) and of knob values, by names, so that it can be
 * stored in a file. A knob that is not named has its preset, and so has one that is of_batch where the
 * setting was found for another batch. */
typedef struct rncl_setting {
    char algorithm[RNCL_ALGORITHM_NAME];
    int count;
    struct {
        char name[RNCL_KNOB_NAME];
        int value;
    } knobs[RNCL_KNOBS];
    bool other_batch;
} rncl_setting;

/* Appends a knob. The preset is added to the values if it is not one of them. */
void rncl_knobs_add(rncl_knobs *knobs, rncl_knob_name name, int preset, const int *values, size_t count);

/* Appends a knob with the values first, 2 first, 4 first, … up to `most`. */
void rncl_knobs_add_doubling(rncl_knobs *knobs, rncl_knob_name name, int preset, int first, int most);

/* Says that the knob that was added last is of_batch. */
void rncl_knobs_last_is_of_batch(rncl_knobs *knobs);

/* Writes the value of each knob in order: the setting's, or the preset where the setting (or NULL) does
 * not name it. False if the setting names an unknown knob or value: it was made for other kernels. */
bool rncl_knobs_resolve(const rncl_knobs *knobs, const rncl_setting *setting, int *values);

/* The setting that resolves to `values`. It names every knob, since presets may change. */
rncl_setting rncl_knobs_setting(const rncl_knobs *knobs, const char *algorithm, const int *values);

#endif
