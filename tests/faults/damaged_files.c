/* Reads COUNT damaged files in one process: `damaged_files checkpoints|models|configs|tables COUNT [SEED]`.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "damage.h"
#include "file.h"
#include "metrics.h"
#include "model.h"
#include "options.h"
#include "util.h"

static char folder[] = "/tmp/rncl-damage-XXXXXX";
static uint64_t drawn;

static rncl_contents read_whole(const char *path)
{
    rncl_contents whole;
    if (rncl_file_read(path, &whole))
        errx(1, "%s", rncl_status_message());
    return whole;
}

static bool holds(const char *path, const void *bytes, size_t size)
{
    rncl_contents now = read_whole(path);
    const bool same = now.size_bytes == size && (!size || !memcmp(now.data, bytes, size));
    rncl_contents_free(&now);
    return same;
}

/* ---- checkpoints: refused, and nothing has changed ---- */

enum { PARAMS = 3000, STATE = 100 };

typedef struct contents {
    rncl_run_state state;
    float params[PARAMS], running[STATE], velocity[PARAMS], average[PARAMS], average_running[STATE];
} contents;

static contents saved, loaded;
static const rncl_network_vectors vectors = {loaded.params,  loaded.running,         loaded.velocity,
                                             loaded.average, loaded.average_running, NULL};
static rncl_checkpoint checkpoint = {
    .fingerprint = 9, .param_floats = PARAMS, .state_floats = STATE, .averaged = true};

static rncl_status make_checkpoint(const char *path)
{
    for (int i = 0; i < PARAMS; i++)
        loaded.params[i] = loaded.velocity[i] = loaded.average[i] = (float)damage_draw(&drawn, 1000);
    loaded.state = rncl_run_state_start();
    saved = loaded;
    checkpoint.path = path;
    return rncl_checkpoint_save(&checkpoint, &loaded.state, &vectors);
}

static bool try_checkpoint(const char *path)
{
    (void)path;
    return rncl_checkpoint_load(&checkpoint, &loaded.state, &vectors) == RNCL_ERR_MODEL &&
           !memcmp(&loaded, &saved, sizeof loaded);
}

/* ---- models: refused, or every number is the same ---- */

enum { MOST_FLOATS = 1 << 17, BATCHES = 77 };

static const rncl_network_options network = {
    .arch = RNCL_ARCH_CIFAR_RESNET, .depth = 8, .image = 8, .channels = 1, .classes = 4};
static const rncl_model_meta meta = {.mean = {0.496874988f}, .std = {0.286954165f}};
static rncl_graph *graph;
static float params[2][MOST_FLOATS], state[2][MOST_FLOATS];

static rncl_status make_model(const char *path)
{
    RNCL_TRY(rncl_graph_build(&network, &graph));
    if (graph->param_floats > MOST_FLOATS || graph->state_floats > MOST_FLOATS)
        errx(1, "%zu parameters", graph->param_floats);
    rncl_graph_initialise(graph, 1, params[0], state[0]);
    return rncl_model_save(path, graph, &meta, params[0], state[0], BATCHES);
}

static bool is_same_model(const rncl_network_options *options, const rncl_model_meta *read, int64_t batches)
{
    const rncl_network_options *made = &graph->options;
    return options->arch == made->arch && options->depth == made->depth && options->image == made->image &&
           options->channels == made->channels && options->classes == made->classes &&
           options->shortcut == made->shortcut && read->mean[0] == meta.mean[0] &&
           read->std[0] == meta.std[0] && read->label_count == 0 && batches == BATCHES &&
           !memcmp(params[1], params[0], graph->param_floats * sizeof(float)) &&
           !memcmp(state[1], state[0], graph->state_floats * sizeof(float));
}

static bool try_model(const char *path)
{
    rncl_network_options options;
    rncl_model_meta read;
    int64_t batches;
    rncl_status st = rncl_model_read_meta(path, &options, &read);
    if (st)
        return st == RNCL_ERR_MODEL;
    st = rncl_model_load(&(rncl_model_source){.path = path}, graph, params[1], state[1], &batches);
    /* Without its own metadata it is any program's file, and the user has to say what is in it. */
    const bool well =
        st ? st == RNCL_ERR_MODEL : !read.has_network || is_same_model(&options, &read, batches);
    rncl_model_meta_fini(&read);
    return well;
}

/* ---- configs: refused, or a text that means the same when it is written and read again ---- */

static rncl_status make_config(const char *path)
{
    rncl_options options;
    rncl_options_init(&options);
    options.network.depth = 20;
    return rncl_options_write(&options, path);
}

static bool try_config(const char *path)
{
    rncl_options once, again;
    rncl_options_init(&once);
    rncl_options_init(&again);
    if (rncl_options_read(&once, path, ~0u) || rncl_options_write(&once, path))
        return *rncl_status_message();
    if (rncl_options_read(&again, path, ~0u))
        return false;
    for (size_t i = 0; i < rncl_option_count; i++) {
        char one[RNCL_TEXT_LENGTH], other[RNCL_TEXT_LENGTH];
        const rncl_option *option = &rncl_option_table[i];
        rncl_option_format(&once, option, one, sizeof one);
        rncl_option_format(&again, option, other, sizeof other);
        if (option->in_config && !option->is_path && *one && strcmp(one, other) != 0)
            return false;
    }
    return true;
}

/* ---- tables: refused and left alone, or cut once; no whole row of an earlier step is lost ---- */

enum { ROWS = 40, RESUMED = 25 };

static rncl_status make_table(const char *path)
{
    char text[ROWS * 32] = "step,loss,lr\n";
    for (int step = 1; step <= ROWS; step++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d,%d.%d,0.1\n", step, step % 3, step);
    return rncl_file_write(path, text, strlen(text));
}

static bool keeps_rows(const rncl_contents *before, const char *path)
{
    rncl_contents after = read_whole(path);
    bool kept = true;
    for (int step = 1; step <= RESUMED && kept; step++) {
        char row[32];
        const int length = snprintf(row, sizeof row, "\n%d,%d.%d,0.1\n", step, step % 3, step);
        kept = !memmem(before->data, before->size_bytes, row, (size_t)length) ||
               memmem(after.data, after.size_bytes, row, (size_t)length);
    }
    rncl_contents_free(&after);
    return kept;
}

static rncl_status resume(void)
{
    rncl_metrics metrics;
    RNCL_TRY(rncl_metrics_open(folder, RESUMED, NULL, &metrics));
    rncl_metrics_close(&metrics);
    return RNCL_OK;
}

static bool try_table(const char *path)
{
    rncl_contents before = read_whole(path);
    bool well;
    if (resume()) {
        well = holds(path, before.data, before.size_bytes);
    } else {
        rncl_contents once = read_whole(path);
        well = keeps_rows(&before, path) && !resume() && holds(path, once.data, once.size_bytes);
        rncl_contents_free(&once);
    }
    rncl_contents_free(&before);
    return well;
}

/* ---- all ---- */

static const struct {
    const char *name, *file;
    rncl_status (*make)(const char *path);
    bool (*try)(const char *path); /* false: something went wrong, in silence */
} kinds[] = {
    {"checkpoints", "last.ckpt", make_checkpoint, try_checkpoint},
    {"models", "model.safetensors", make_model, try_model},
    {"configs", "config.ini", make_config, try_config},
    {"tables", "steps.csv", make_table, try_table},
};

/* Half of the damage to a model is done to its header, which is a small part of it. */
static size_t choose_part(const char *name, const unsigned char *bytes, size_t size)
{
    uint64_t header;
    memcpy(&header, bytes, sizeof header);
    return strcmp(name, "models") || damage_draw(&drawn, 2) ? size : sizeof header + (size_t)header;
}

static bool try_damaged(size_t kind, const char *path, const rncl_contents *whole, unsigned char *bytes)
{
    const uint64_t seed = drawn;
    memcpy(bytes, whole->data, whole->size_bytes);
    const size_t part = choose_part(kinds[kind].name, bytes, whole->size_bytes);
    const size_t size = damage_do(&drawn, bytes, whole->size_bytes, part);
    FILE *file = fopen(path, "w");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
        err(1, "%s", path);
    const bool well = kinds[kind].try(path);
    if (!well)
        printf("%s: seed %llu\n", kinds[kind].name, (unsigned long long)seed);
    return well;
}

static long try_kind(size_t kind, long count)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, kinds[kind].file);
    if (kinds[kind].make(path))
        errx(1, "%s", rncl_status_message());
    rncl_contents whole = read_whole(path);
    unsigned char *bytes = malloc(whole.size_bytes);
    long bad = 0;
    for (long i = 0; bytes && i < count; i++)
        bad += !try_damaged(kind, path, &whole, bytes);
    printf("%-12s %8ld of %6ld cases          %6ld bad\n", kinds[kind].name, count, count, bad);
    free(bytes);
    rncl_contents_free(&whole);
    return bad;
}

int main(int argc, char **argv)
{
    size_t kind = 0;
    while (kind < COUNT(kinds) && (argc < 3 || strcmp(kinds[kind].name, argv[1]) != 0))
        kind++;
    if (kind == COUNT(kinds))
        errx(2, "usage: damaged_files checkpoints|models|configs|tables COUNT [SEED]");
    drawn = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    if (!mkdtemp(folder))
        err(1, "%s", folder);
    const long bad = try_kind(kind, atol(argv[2]));
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    rncl_graph_destroy(graph);
    return system(command) || bad;
}
