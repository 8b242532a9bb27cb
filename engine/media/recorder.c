/* See recorder.h. The place of the header is held by zeros until the end, so a file cut short by a
 * crash is recognisably unfinished and its audio is still there from byte 44 on. */
#include "media/recorder.h"

#include <string.h>

#include "dsp/dsp.h"
#include "media/wav.h"

enum err recorder_open(struct recorder *r, struct loop *l, const char *path, bool stereo)
{
    static const uint8_t header[WAV_HEADER_BYTES];

    *r = (struct recorder){.stereo = stereo};
    enum err err = file_open(&r->file, l, path);

    if (err) {
        r->file = NULL;
        return err;
    }
    return file_write(r->file, header, sizeof(header));
}

static int16_t mixed(int16_t a, int16_t b)
{
    int32_t sum = a + b;

    return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

void recorder_block(struct recorder *r, const int16_t *left, const int16_t *right)
{
    static const int16_t silence[RECORDER_BLOCK];
    int16_t out[2 * RECORDER_BLOCK];
    uint32_t bytes = r->stereo ? sizeof(out) : sizeof(out) / 2;

    if (!left)
        left = silence;
    if (!right)
        right = silence;
    if (r->bytes + bytes > RECORDER_BYTES_MAX) {
        r->refused_bytes += bytes;
        return;
    }
    for (uint32_t i = 0; i < RECORDER_BLOCK; i++) {
        if (r->stereo) {
            out[2 * i] = left[i];
            out[2 * i + 1] = right[i];
        } else {
            out[i] = mixed(left[i], right[i]);
        }
    }
    if (file_write(r->file, out, bytes) == OK)
        r->bytes += bytes;
}

double recorder_close(struct recorder *r, file_closed_fn *closed, void *arg)
{
    uint8_t header[WAV_HEADER_BYTES];
    uint32_t channels = r->stereo ? 2 : 1;
    struct file *file = r->file;

    wav_write_header(header, channels, r->bytes);
    file_patch(file, header, sizeof(header));
    r->file = NULL;
    file_close(file, closed, arg);
    return r->bytes / (2.0 * channels * DSP_RATE_HZ);
}
