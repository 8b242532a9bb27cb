/* See recorder.h. */
#include "media/recorder.h"

#include <stdlib.h>
#include <string.h>

#include "media/opus_record.h"
#include "media/outlet.h"
#include "media/record_index.h"
#include "media/wav.h"

#define RATE_HZ        8000
#define BLOCKS_A_FLUSH 50
#define GAP_MAX        (24 * 3600 * 50) /* blocks: a clock that jumped is not a day of silence */

struct recorder {
    const struct media_record *how;
    struct loop *loop;
    struct outlet audio;
    struct record_index *index; /* NULL: none */
    struct opus_record *opus;   /* NULL: WAV */
    uint32_t channels, serial;
    bool started, masked;
    uint64_t start_us, blocks; /* blocks: of the file's time */
    uint64_t wav_bytes;        /* that the file took */
    uint64_t owed_bytes;       /* refused; to be made up by silence */
    uint64_t lost_bytes;
    uint32_t since_flush, closing;
    struct recorder_result result;
    struct file *files[2]; /* being closed: audio, index */
    recorder_closed_fn *closed;
    void *arg;
};

static uint32_t block_bytes(const struct recorder *r)
{
    return r->channels * TAPE_BLOCK * (uint32_t)sizeof(int16_t);
}

/* ---- the audio file ---- */

static void put_page(void *arg, const uint8_t *page, uint32_t n)
{
    struct recorder *r = arg;

    outlet_write(&r->audio, page,
                 n); /* refused: counted by the file; the next page tells where it is */
    outlet_flush(&r->audio);
}

/* Silence for what was refused before, so that what follows stands at its time. */
static bool pay_debt(struct recorder *r)
{
    static const uint8_t silence[FILE_CHUNK];

    while (r->owed_bytes) {
        uint64_t part = r->owed_bytes < sizeof(silence) ? r->owed_bytes : sizeof(silence);

        if (!outlet_has_room(&r->audio, part) || outlet_write(&r->audio, silence, part) != OK)
            return false;
        r->owed_bytes -= part;
        r->wav_bytes += part;
    }
    return true;
}

static void put_wav(struct recorder *r, const int16_t *pcm)
{
    uint32_t n = block_bytes(r);

    if (r->wav_bytes + r->owed_bytes + n > RECORDER_BYTES_MAX) {
        r->lost_bytes += n;
        return;
    }
    if (pay_debt(r) && outlet_has_room(&r->audio, n) && outlet_write(&r->audio, pcm, n) == OK) {
        r->wav_bytes += n;
    } else {
        r->owed_bytes += n;
        r->lost_bytes += n;
    }
    if (++r->since_flush >= BLOCKS_A_FLUSH) {
        r->since_flush = 0;
        outlet_flush(&r->audio);
    }
}

static void put_pcm(struct recorder *r, const int16_t *pcm)
{
    if (r->opus)
        opus_record_block(r->opus, pcm);
    else
        put_wav(r, pcm);
    r->blocks++;
}

static enum err start_audio(struct recorder *r)
{
    uint8_t header[WAV_HEADER_BYTES];

    if (r->how->format == RECORD_OPUS)
        return opus_record_open(&r->opus, r->channels,
                                r->how->bitrate ? r->how->bitrate : RECORD_BITRATE_DEFAULT,
                                r->serial, put_page, r);
    wav_write_header(header, r->channels, WAV_UNKNOWN);
    outlet_write(&r->audio, header, sizeof(header));
    return OK;
}

enum err recorder_open(struct recorder **out, struct loop *l, const struct media_record *how)
{
    struct recorder *r = calloc(1, sizeof(*r));
    uint64_t wall_ms = clock_wall_ms(l->clock);

    if (!r)
        return ERR_NOMEM;
    r->how = how;
    r->loop = l;
    r->channels = how->stereo ? 2 : 1;
    r->serial = (uint32_t)(clock_us(l->clock) * 2654435761u);
    enum err e = outlet_open(&r->audio, l, how->path, how->key, wall_ms, how->keep_until_ms);

    if (!e)
        e = start_audio(r);
    if (!e && how->index)
        e = record_index_open(&r->index, l, how, wall_ms);
    if (!e) {
        *out = r;
        return OK;
    }
    if (r->opus)
        opus_record_close(r->opus);
    if (r->audio.file)
        outlet_close(&r->audio, NULL, NULL);
    free(r);
    return e;
}

/* ---- blocks ---- */

static int16_t mixed(int16_t a, int16_t b)
{
    int32_t sum = a + b;

    return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

static void begin(struct recorder *r, uint64_t slot_us)
{
    r->started = true;
    r->start_us = slot_us;
    if (r->index)
        record_index_start(r->index, slot_us,
                           clock_wall_ms(r->loop->clock) -
                               (clock_us(r->loop->clock) - slot_us) / 1000);
}

static void fill_gap(struct recorder *r, uint64_t slot_us)
{
    static const int16_t silence[2 * TAPE_BLOCK];
    uint64_t there =
        slot_us < r->start_us ? 0 : (slot_us - r->start_us + TAPE_BLOCK_US / 2) / TAPE_BLOCK_US;

    if (there > r->blocks + GAP_MAX)
        return;
    while (r->blocks < there)
        put_pcm(r, silence);
}

static void note_mask(struct recorder *r, const struct tape_block *b)
{
    if (b->masked == r->masked)
        return;
    r->masked = b->masked;
    if (r->index)
        record_index_event(r->index, r->start_us + r->blocks * TAPE_BLOCK_US,
                           b->masked ? "masked" : "unmasked", "");
}

void recorder_block(struct recorder *r, const struct tape_block *b)
{
    int16_t pcm[2 * TAPE_BLOCK];

    if (!r->started)
        begin(r, b->slot_us);
    fill_gap(r, b->slot_us);
    note_mask(r, b);
    for (uint32_t i = 0; i < TAPE_BLOCK; i++) {
        if (r->channels == 2) {
            pcm[2 * i] = b->left[i];
            pcm[2 * i + 1] = b->right[i];
        } else {
            pcm[i] = mixed(b->left[i], b->right[i]);
        }
    }
    put_pcm(r, pcm);
}

void recorder_mark(struct recorder *r, uint64_t at_us, const char *event, const char *detail)
{
    if (r->index)
        record_index_event(r->index, at_us, event, detail);
}

void recorder_complexity(struct recorder *r, int complexity)
{
    if (r->opus)
        opus_record_complexity(r->opus, complexity);
}

/* ---- the end ---- */

static void one_closed(struct recorder *r, const struct file_result *f)
{
    if (f->err && !r->result.err) {
        r->result.err = f->err;
        r->result.sys_errno = f->sys_errno;
    }
    r->result.written += f->written;
    if (--r->closing)
        return;
    if (r->result.lost_bytes && !r->result.err)
        r->result.err = ERR_FULL;
    r->closed(r->arg, &r->result);
    free(r);
}

static void audio_closed(void *arg, const struct file_result *f)
{
    struct recorder *r = arg;

    r->files[0] = NULL;
    /* What WAV was refused is counted already, in the silence that was put in its place. */
    if (r->how->format == RECORD_OPUS || r->how->key || f->err)
        r->result.lost_bytes += f->lost;
    one_closed(r, f);
}

static void index_closed(void *arg, const struct file_result *f)
{
    struct recorder *r = arg;

    r->files[1] = NULL;
    one_closed(r, f);
}

void recorder_close(struct recorder *r, uint64_t lost, recorder_closed_fn *closed, void *arg)
{
    uint8_t header[WAV_HEADER_BYTES];

    r->closed = closed;
    r->arg = arg;
    if (r->opus) {
        opus_record_close(r->opus);
        r->opus = NULL;
    } else {
        pay_debt(r);
        wav_write_header(header, r->channels, (uint32_t)r->wav_bytes);
        outlet_patch(&r->audio, header, sizeof(header));
    }
    r->result.seconds = (double)r->blocks * TAPE_BLOCK / RATE_HZ;
    r->result.lost_bytes = r->lost_bytes + lost * block_bytes(r) + r->audio.failed_bytes;
    r->closing = r->index ? 2 : 1;
    r->files[0] = r->audio.file;
    if (r->index)
        r->files[1] =
            record_index_close(r->index, r->blocks, r->result.lost_bytes, index_closed, r);
    r->index = NULL;
    outlet_close(&r->audio, audio_closed, r);
}

void recorder_abandon(struct recorder *r)
{
    for (int i = 0; i < 2; i++)
        if (r->files[i])
            file_abandon(r->files[i]);
}
