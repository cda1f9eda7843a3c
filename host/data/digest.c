/* Digests of data sets: FNV-1a over what is known without reading pictures. */
#include "digest.h"

#include <string.h>

#include "util.h"

uint64_t rncl_dataset_digest(const rncl_dataset *dataset)
{
    const rncl_dataset_info *info = &dataset->info;
    const int64_t sizes[] = {info->count, info->height, info->width, info->channels};
    uint64_t hash = rncl_hash(RNCL_HASH_START, sizes, sizeof sizes);
    hash = rncl_hash(hash, info->format, strlen(info->format));
    for (uint32_t i = 0; i < info->count; i++) {
        const int32_t label = rncl_dataset_label(dataset, i);
        hash = rncl_hash(hash, &label, sizeof label);
    }
    return dataset->reader->identify ? dataset->reader->identify(dataset, hash) : hash;
}

uint64_t rncl_dataset_digest_classes(const rncl_dataset *dataset)
{
    const rncl_dataset_info *info = &dataset->info;
    uint64_t hash = RNCL_HASH_START;
    for (int i = 0; info->labels && i < info->classes; i++)
        hash = rncl_hash(hash, info->labels[i], strlen(info->labels[i]) + 1);
    return hash;
}
