/* Entries are written once and never go, so that only finding them needs the lock. */
#include "image_cache.h"

#include <pthread.h>
#include <stdlib.h>

struct entry {
    rncl_image image; /* no pixels: not there */
    rncl_detail detail;
};

struct rncl_image_cache {
    pthread_mutex_t lock;
    size_t left; /* bytes */
    uint32_t count;
    struct entry *entries;
};

rncl_status rncl_image_cache_create(uint32_t count, size_t budget, rncl_image_cache **out)
{
    *out = NULL;
    rncl_image_cache *cache = calloc(1, sizeof *cache);
    struct entry *entries = calloc((size_t)count + 1, sizeof *entries);
    if (!cache || !entries) {
        free(cache);
        free(entries);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to keep %u pictures", (unsigned)count);
    }
    pthread_mutex_init(&cache->lock, NULL);
    cache->left = budget;
    cache->count = count;
    cache->entries = entries;
    *out = cache;
    return RNCL_OK;
}

void rncl_image_cache_destroy(rncl_image_cache *cache)
{
    if (!cache)
        return;
    for (uint32_t i = 0; i < cache->count; i++)
        free(cache->entries[i].image.pixels);
    free(cache->entries);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static size_t size_of(const rncl_image *image)
{
    return (size_t)image->height * image->width * 3;
}

bool rncl_image_cache_get(rncl_image_cache *cache, uint32_t index, const rncl_detail *detail,
                          rncl_image *image)
{
    pthread_mutex_lock(&cache->lock);
    const struct entry entry = cache->entries[index];
    pthread_mutex_unlock(&cache->lock);
    if (!entry.image.pixels || entry.detail.shorter != detail->shorter || entry.detail.exact != detail->exact)
        return false;
    *image = entry.image;
    image->borrowed = true;
    return true;
}

void rncl_image_cache_put(rncl_image_cache *cache, uint32_t index, const rncl_detail *detail,
                          rncl_image *image)
{
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = &cache->entries[index];
    if (!entry->image.pixels && size_of(image) <= cache->left) {
        *entry = (struct entry){.image = *image, .detail = *detail};
        cache->left -= size_of(image);
        image->borrowed = true;
    }
    pthread_mutex_unlock(&cache->lock);
}
