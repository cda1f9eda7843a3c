/* The option that was meant: names from other programs, then likeness of letters. */
#include <string.h>

#include "options.h"
#include "util.h"

/* Options of PyTorch's reference scripts, timm, Ultralytics and Keras. Of several rows for one name the first
 * whose option the command takes counts. */
static const struct {
    const char *elsewhere, *name;
} elsewhere[] = {
    {"learning-rate", "lr"},   {"bs", "batch-size"},       {"wd", "weight-decay"},
    {"scheduler", "schedule"}, {"img-size", "image"},      {"imgsz", "image"},
    {"input-size", "image"},   {"num-classes", "classes"}, {"nb-classes", "classes"},
    {"pretrained", "init"},    {"weights", "init"},        {"weights", "model"},
    {"checkpoint", "resume"},  {"checkpoint", "model"},    {"model", "arch"},
    {"output", "out"},         {"output-dir", "out"},      {"save-dir", "out"},
    {"project", "out"},        {"data-dir", "data"},       {"data-path", "data"},
    {"dataset", "data"},       {"input", "data"},          {"num-workers", "workers"},
    {"threads", "workers"},    {"gpu", "device"},          {"gpus", "device"},
    {"amp", "precision"},      {"fp16", "precision"},      {"smoothing", "label-smoothing"},
};

/* Whether two names are the same but for '-', '_' and nothing between words. */
static bool is_same(const char *a, const char *b)
{
    while (*a || *b) {
        a += strspn(a, "-_");
        b += strspn(b, "-_");
        if (*a != *b)
            return false;
        a += *a != '\0';
        b += *b != '\0';
    }
    return true;
}

static const char *find_same(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_same(name, names[i]))
            return names[i];
    return NULL;
}

const char *rncl_option_nearest(const char *name, const char *const *names, size_t count)
{
    const char *meant = find_same(name, names, count);
    for (size_t i = 0; !meant && i < COUNT(elsewhere); i++)
        if (is_same(name, elsewhere[i].elsewhere))
            meant = find_same(elsewhere[i].name, names, count);
    return meant ? meant : rncl_text_nearest(name, names, count);
}
