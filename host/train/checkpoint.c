/* The checkpoint's layout: a header, the parameters, the running statistics, the velocities, averages of the
 * first two where there are any, rounding errors of each rank's gradients where these are compressed, and a
 * hash of all before it; little-endian. */
#include "checkpoint.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "file.h"
#include "util.h"

/* Version 2 knew nothing of the data, version 3 of loss scales. */
enum { VERSION = 4, WITHOUT_LOSS_SCALE = 3, MOST_VECTORS = 5 };

static const char magic[8] = {'R', 'N', 'C', 'L', 'C', 'K', 'P', 'T'};

typedef struct header {
    char magic[8];
    uint64_t version, fingerprint;
    uint64_t param_floats, state_floats, averaged;
    rncl_run_data data;
    rncl_run_state state;
} header;

static_assert(sizeof(rncl_run_state) == 19 * 8 && sizeof(rncl_run_data) == 6 * 8 &&
                  sizeof(header) == 6 * 8 + sizeof(rncl_run_data) + sizeof(rncl_run_state),
              "no padding in a checkpoint");

rncl_run_state rncl_run_state_start(void)
{
    return (rncl_run_state){.evaluated_step = -1,
                            .plateau = rncl_plateau_start(),
                            .best_top1 = -1,
                            .loss_scale = rncl_loss_scale_start()};
}

/* How many bytes of a file of that version its header has. */
static size_t header_bytes(uint64_t version)
{
    return version == WITHOUT_LOSS_SCALE ? offsetof(header, state.loss_scale) : sizeof(header);
}

/* The header of a file with so many bytes. False if it has fewer, or is of a version that cannot be read. */
static bool take_header(const void *bytes, size_t size_bytes, header *head)
{
    *head = (header){.state = rncl_run_state_start()};
    if (size_bytes < offsetof(header, fingerprint))
        return false;
    memcpy(head, bytes, offsetof(header, fingerprint));
    if ((head->version != VERSION && head->version != WITHOUT_LOSS_SCALE) ||
        size_bytes < header_bytes(head->version))
        return false;
    memcpy(head, bytes, header_bytes(head->version));
    return true;
}

typedef struct part {
    float *values;
    size_t floats;
} part;

/* The vectors in the order of the file; their number. */
static size_t list_parts(const rncl_checkpoint *checkpoint, const rncl_network_vectors *vectors,
                         part parts[MOST_VECTORS])
{
    const size_t params = checkpoint->param_floats, state = checkpoint->state_floats;
    const part all[MOST_VECTORS] = {{vectors->params, params},
                                    {vectors->state, state},
                                    {vectors->velocity, params},
                                    {vectors->average, params},
                                    {vectors->average_state, state}};
    memcpy(parts, all, sizeof all);
    return checkpoint->averaged ? MOST_VECTORS : MOST_VECTORS - 2;
}

/* Writes and hashes a part; failures of the stream show when the file is committed. */
static uint64_t put(uint64_t hash, const void *data, size_t size_bytes, FILE *stream)
{
    fwrite(data, 1, size_bytes, stream);
    return rncl_hash(hash, data, size_bytes);
}

rncl_status rncl_checkpoint_save(const rncl_checkpoint *checkpoint, const rncl_run_state *state,
                                 const rncl_network_vectors *vectors)
{
    header head = {.version = VERSION,
                   .fingerprint = checkpoint->fingerprint,
                   .param_floats = checkpoint->param_floats,
                   .state_floats = checkpoint->state_floats,
                   .averaged = checkpoint->averaged,
                   .data = checkpoint->data,
                   .state = *state};
    memcpy(head.magic, magic, sizeof magic);
    rncl_atomic_file file;
    RNCL_TRY(rncl_atomic_file_create(checkpoint->path, &file));
    uint64_t hash = put(RNCL_HASH_START, &head, sizeof head, file.stream);
    part parts[MOST_VECTORS];
    const size_t count = list_parts(checkpoint, vectors, parts);
    for (size_t i = 0; i < count; i++)
        hash = put(hash, parts[i].values, parts[i].floats * sizeof(float), file.stream);
    if (checkpoint->errors)
        hash = put(hash, checkpoint->errors->values,
                   checkpoint->errors->ranks * checkpoint->param_floats * sizeof(float), file.stream);
    fwrite(&hash, sizeof hash, 1, file.stream);
    return rncl_atomic_file_commit(&file);
}

static rncl_status damaged(const rncl_checkpoint *checkpoint, const char *how)
{
    return RNCL_FAIL(RNCL_ERR_MODEL,
                     "%s: %s; start a new run with --init and the model.safetensors beside it",
                     checkpoint->path, how);
}

static size_t count_floats(const rncl_checkpoint *checkpoint, bool averaged)
{
    const size_t params = checkpoint->param_floats, state = checkpoint->state_floats;
    return 2 * params + state + (averaged ? params + state : 0);
}

/* Of how many ranks a file with so many bytes behind its header has rounding errors. False if no file has
 * that size.
 */
static bool count_errors(const rncl_checkpoint *checkpoint, bool averaged, size_t size_bytes, size_t *ranks)
{
    const size_t vectors = count_floats(checkpoint, averaged) * sizeof(float);
    const size_t each = checkpoint->param_floats * sizeof(float);
    *ranks = 0;
    if (size_bytes <= vectors || each == 0)
        return size_bytes == vectors;
    *ranks = (size_bytes - vectors) / each;
    return vectors + *ranks * each == size_bytes;
}

/* Whether a run can stand there. */
static bool is_possible(const rncl_run_state *state)
{
    return state->step >= 0 && state->evaluated_step >= -1 && state->evaluated_step <= state->step &&
           state->batches_tracked >= 0 && state->plateau.waited >= 0 && state->plateau.stale >= 0 &&
           state->plateau.drops >= 0 && state->sums.count >= 0 && state->sums.top1 >= 0 &&
           state->sums.top1 <= state->sums.count && state->seconds >= 0 && state->rollbacks >= 0 &&
           state->rollbacks <= RNCL_MOST_ROLLBACKS && rncl_loss_scale_is_possible(&state->loss_scale);
}

/* " 60 training pictures, now 61;" or, of as many, " other training pictures;": nothing if they are the same.
 */
static void tell_part(const char *what, uint64_t count, uint64_t digest, uint64_t now, uint64_t digest_now,
                      char text[96])
{
    text[0] = '\0';
    if (count != now)
        snprintf(text, 96, " %" PRIu64 " %s, now %" PRIu64 ";", count, what, now);
    else if (digest != digest_now)
        snprintf(text, 96, " other %s;", what);
}

/* Which data the run is given now, and was not then. */
static rncl_status check_data(const rncl_checkpoint *checkpoint, const rncl_run_data *then)
{
    const rncl_run_data *now = &checkpoint->data;
    char classes[96], training[96], validation[96];
    if (checkpoint->any_data || memcmp(then, now, sizeof *then) == 0)
        return RNCL_OK;
    tell_part("classes", then->class_count, then->class_names, now->class_count, now->class_names, classes);
    tell_part("training pictures", then->training_count, then->training, now->training_count, now->training,
              training);
    tell_part("validation pictures", then->validation_count, then->validation, now->validation_count,
              now->validation, validation);
    return RNCL_FAIL(RNCL_ERR_MODEL,
                     "%s: the data have changed since it was saved:%s%s%s restore them, or go on with what "
                     "there is with --force-resume",
                     checkpoint->path, classes, training, validation);
}

static rncl_status check(const rncl_checkpoint *checkpoint, const rncl_contents *file, header *head,
                         size_t *error_ranks)
{
    if (file->size_bytes < sizeof magic || memcmp(file->data, magic, sizeof magic) != 0)
        return damaged(checkpoint, "not a checkpoint of rncl");
    const bool whole = take_header(file->data, file->size_bytes, head);
    if (head->version > VERSION)
        return damaged(checkpoint, "written by a newer rncl");
    if (head->version && head->version < WITHOUT_LOSS_SCALE)
        return damaged(checkpoint, "written by an older rncl, which did not say what data it belongs to");
    if (!whole || file->size_bytes < header_bytes(head->version) + sizeof(uint64_t))
        return damaged(checkpoint, "cut off");
    const size_t hashed = file->size_bytes - sizeof(uint64_t);
    uint64_t hash;
    memcpy(&hash, file->data + hashed, sizeof hash);
    if (rncl_hash(RNCL_HASH_START, file->data, hashed) != hash)
        return damaged(checkpoint, "cut off or damaged");
    if (head->fingerprint != checkpoint->fingerprint || head->param_floats != checkpoint->param_floats ||
        head->state_floats != checkpoint->state_floats ||
        !count_errors(checkpoint, head->averaged != 0, hashed - header_bytes(head->version), error_ranks))
        return RNCL_FAIL(
            RNCL_ERR_MODEL,
            "%s: saved by a run with another network, augmentation, batch size or seed; leave these "
            "as they were, or start a new run with --init",
            checkpoint->path);
    if ((head->averaged != 0) != checkpoint->averaged)
        return RNCL_FAIL(RNCL_ERR_MODEL,
                         "%s: saved %s --ema; leave that as it was, or start a new run with --init",
                         checkpoint->path, head->averaged ? "with" : "without");
    if (!is_possible(&head->state))
        return damaged(checkpoint, "it stands where no run can stand");
    return check_data(checkpoint, &head->data);
}

static const unsigned char *get(const unsigned char *from, float *to, size_t floats)
{
    memcpy(to, from, floats * sizeof *to);
    return from + floats * sizeof *to;
}

rncl_status rncl_checkpoint_load(const rncl_checkpoint *checkpoint, rncl_run_state *state,
                                 const rncl_network_vectors *vectors)
{
    rncl_contents file;
    const rncl_status missing = rncl_file_read(checkpoint->path, &file);
    if (missing == RNCL_ERR_MEMORY)
        return missing;
    if (missing)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s; nothing to resume there", rncl_status_message());
    header head;
    size_t error_ranks;
    rncl_checkpoint_errors *errors = checkpoint->errors;
    rncl_status st = check(checkpoint, &file, &head, &error_ranks);
    if (!st) {
        *state = head.state;
        const unsigned char *next = file.data + header_bytes(head.version);
        part parts[MOST_VECTORS];
        const size_t count = list_parts(checkpoint, vectors, parts);
        for (size_t i = 0; i < count; i++)
            next = get(next, parts[i].values, parts[i].floats);
        if (errors)
            errors->found = error_ranks;
        if (errors && errors->ranks == error_ranks)
            get(next, errors->values, error_ranks * checkpoint->param_floats);
    }
    rncl_contents_free(&file);
    return st;
}

rncl_status rncl_checkpoint_peek(const char *path, rncl_run_state *state, rncl_run_data *data)
{
    header head;
    unsigned char bytes[sizeof head];
    FILE *stream = fopen(path, "rb");
    const size_t count = stream ? fread(bytes, 1, sizeof bytes, stream) : 0;
    const bool unread = !stream || ferror(stream);
    const int reason = errno;
    if (stream)
        fclose(stream);
    if (unread)
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: cannot be read: %s", path, strerror(reason));
    if (!take_header(bytes, count, &head) || memcmp(head.magic, magic, sizeof magic) != 0 ||
        !is_possible(&head.state))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: no checkpoint of this version of rncl", path);
    *state = head.state;
    *data = head.data;
    return RNCL_OK;
}
