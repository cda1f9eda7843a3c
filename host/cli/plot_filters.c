/* rncl plot --filters */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"
#include "plot_files.h"
#include "run_name.h"
#include "tensor_file.h"
#include "utf8.h"
#include "util.h"

/* What the first convolution is called: in ResNets, and in VGG nets. */
static const char *const names[] = {"conv1.weight", "features.0.weight"};

/* More would be no picture of a first layer. */
enum { RANK = 4, MOST_FILTERS = 4096, MOST_SIDE = 64 };

static const rncl_file_tensor *find_filters(const rncl_tensor_file *file)
{
    for (size_t i = 0; i < COUNT(names); i++) {
        const rncl_file_tensor *tensor = rncl_tensor_file_find(file, names[i]);
        if (tensor && tensor->rank == RANK && rncl_dtype_is_float(tensor->dtype))
            return tensor;
    }
    return NULL;
}

static bool can_be_drawn(const rncl_file_tensor *t)
{
    return t->dims[0] && t->dims[0] <= MOST_FILTERS && t->dims[1] && t->dims[1] <= MOST_FILTERS &&
           t->dims[2] && t->dims[2] <= MOST_SIDE && t->dims[3] && t->dims[3] <= MOST_SIDE;
}

/* The network's name, where the file says it. */
static char *title_of(const rncl_tensor_file *file, const char *path, const rncl_file_tensor *tensor)
{
    const char *arch = rncl_tensor_file_metadata(file, "rncl.arch"),
               *depth = rncl_tensor_file_metadata(file, "rncl.depth");
    const bool known = arch && depth;
    char *text = rncl_text_format("%s%s%s: %zu filters of %zux%zu, %zu channels",
                                  known ? arch : rncl_path_last(path), known ? "-" : "", known ? depth : "",
                                  tensor->dims[0], tensor->dims[2], tensor->dims[3], tensor->dims[1]);
    char *title = text ? rncl_utf8_text(text) : NULL;
    free(text);
    return title;
}

static rncl_status draw(const rncl_tensor_file *file, const char *path, const char *out)
{
    const rncl_file_tensor *tensor = find_filters(file);
    if (!tensor || !can_be_drawn(tensor))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: no first convolution that can be drawn (%s)", path, names[0]);
    char *title = title_of(file, path, tensor);
    float *weights =
        calloc(tensor->dims[0] * tensor->dims[1] * tensor->dims[2] * tensor->dims[3], sizeof *weights);
    rncl_status st;
    if (title && weights) {
        rncl_file_tensor_floats(tensor, weights);
        const rncl_filter_grid grid = {.title = title,
                                       .weights = weights,
                                       .count = (int)tensor->dims[0],
                                       .channels = (int)tensor->dims[1],
                                       .rows = (int)tensor->dims[2],
                                       .columns = (int)tensor->dims[3]};
        st = rncl_plot_filters(out, &grid);
    } else {
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its filters", path);
    }
    free(weights);
    free(title);
    return st;
}

rncl_status rncl_plot_model_filters(const char *model, const char *out)
{
    rncl_tensor_file file;
    RNCL_TRY(rncl_tensor_file_open(model, &file));
    const rncl_status st = draw(&file, model, out);
    rncl_tensor_file_close(&file);
    return st;
}
