/* What the program has taken and not given back: blocks of memory, streams, descriptors, OpenCL objects.
 * Nothing here allocates. */
#include "fault_leaks.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_HELD = 1 << 16, BUCKETS = 1 << 14, DESCRIPTORS = 1 << 16 };

typedef struct held {
    uintptr_t what;
    const fault_point *point;
    const void *caller;
    struct held *next; /* in its bucket, or of what is unused */
} held;

static struct {
    held pool[MOST_HELD], *buckets[BUCKETS], *unused;
    size_t used; /* of the pool, ever */
    pthread_mutex_t lock;
} leaks = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_wanted(void)
{
    static int wanted = -1;
    if (wanted < 0)
        wanted = getenv("RNCL_FAULT_LEFT") != NULL;
    return wanted;
}

/* The link that leads to the object, or the bucket's last. */
static held **find(uintptr_t what)
{
    held **link = &leaks.buckets[what / 16 % BUCKETS];
    while (*link && (*link)->what != what)
        link = &(*link)->next;
    return link;
}

static held *get_unused(void)
{
    held *h = leaks.unused;
    if (h)
        leaks.unused = h->next;
    else if (leaks.used < MOST_HELD)
        h = &leaks.pool[leaks.used++];
    return h;
}

void fault_take(const fault_point *point, const void *caller, uintptr_t what)
{
    if (!what || !is_wanted() || !fault_is_watched(caller))
        return;
    pthread_mutex_lock(&leaks.lock);
    held **link = find(what), *h = *link ? *link : get_unused();
    if (h) {
        *h = (held){what, point, caller, *link ? h->next : NULL};
        *link = h;
    }
    pthread_mutex_unlock(&leaks.lock);
}

void fault_give_back(uintptr_t what)
{
    if (!what || !is_wanted())
        return;
    pthread_mutex_lock(&leaks.lock);
    held **link = find(what), *h = *link;
    if (h) {
        *link = h->next;
        *h = (held){.next = leaks.unused};
        leaks.unused = h;
    }
    pthread_mutex_unlock(&leaks.lock);
}

uintptr_t fault_descriptor(int descriptor)
{
    /* Addresses of objects are larger. */
    return descriptor < 0 || descriptor >= DESCRIPTORS ? 0 : 16 * ((uintptr_t)descriptor + 1);
}

void fault_write_left(void)
{
    const char *path = getenv("RNCL_FAULT_LEFT");
    FILE *file = path ? fopen(path, "a") : NULL;
    for (size_t i = 0; file && i < leaks.used; i++)
        if (leaks.pool[i].what) {
            char site[FAULT_SITE];
            fault_name_site(leaks.pool[i].caller, site);
            fprintf(file, "%s %s\n", leaks.pool[i].point->name, site);
        }
    if (file)
        fclose(file);
}
