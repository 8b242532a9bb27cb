/* The page of `peal listen --plot`: the looks are in cli_listen_plot.c.html, embedded when this is
 * built; the data (spectrogram, levels, events) go in as one JSON object. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli_listen.h"

#define FFT           256
#define ROWS          (FFT / 2)
#define COLUMNS_MAX   9000 /* beyond three minutes a column is the loudest of several blocks */
#define FLOOR_DB      (-66.0)
#define STEPS_PER_DB  4.4 /* a byte spans 58 dB */
#define FULL_SCALE_DB 84.02

/* cli_listen_plot.c.html beside this file, whole. Changing it alone does not rebuild this file:
 * touch it. */
__asm__(".section .rodata\n"
        ".global peal_listen_page\n"
        ".global peal_listen_page_end\n"
        "peal_listen_page:\n"
        ".incbin \"" __FILE__ ".html\"\n"
        "peal_listen_page_end:\n"
        ".byte 0\n"
        ".text\n");
extern const char peal_listen_page[], peal_listen_page_end[];

#define MARK "/*DATA*/null"

/* In place, decimation in time. */
static void fft(double *re, double *im)
{
    for (unsigned i = 1, j = 0; i < FFT; i++) {
        unsigned bit = FFT >> 1;

        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
        if (i < j) {
            double t = re[i];

            re[i] = re[j];
            re[j] = t;
        }
    }
    for (unsigned len = 2; len <= FFT; len <<= 1) {
        for (unsigned k = 0; k < len / 2; k++) {
            double a = -2 * M_PI * k / len, wr = cos(a), wi = sin(a);

            for (unsigned i = k; i < FFT; i += len) {
                unsigned o = i + len / 2;
                double xr = re[o] * wr - im[o] * wi, xi = re[o] * wi + im[o] * wr;

                re[o] = re[i] - xr;
                im[o] = im[i] - xi;
                re[i] += xr;
                im[i] += xi;
            }
        }
    }
}

/* 256 samples around the block, Hann; a byte a row, the lowest frequency first. */
static void column(const struct recording *r, uint32_t block, uint8_t *out)
{
    double re[FFT], im[FFT] = {0};
    int64_t from = (int64_t)block * DSP_BLOCK_SAMPLES - (FFT - DSP_BLOCK_SAMPLES) / 2;
    int64_t last = (int64_t)r->blocks * DSP_BLOCK_SAMPLES;

    for (int i = 0; i < FFT; i++) {
        int64_t at = from + i;

        re[i] = at >= 0 && at < last ? r->pcm[at] * (0.5 - 0.5 * cos(2 * M_PI * i / FFT)) : 0;
    }
    fft(re, im);
    for (int k = 0; k < ROWS; k++) {
        /* A sine of amplitude A has a peak of A × FFT / 4 under this window. */
        double power = (re[k] * re[k] + im[k] * im[k]) * 8 / (FFT * (double)FFT);
        double v = (10 * log10(power + 1e-3) - FULL_SCALE_DB - FLOOR_DB) * STEPS_PER_DB;
        uint8_t byte = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);

        out[k] = byte > out[k] ? byte : out[k];
    }
}

static void write_base64(FILE *to, const uint8_t *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
                     (i + 2 < n ? p[i + 2] : 0);

        putc(digits[v >> 18], to);
        putc(digits[v >> 12 & 63], to);
        putc(i + 1 < n ? digits[v >> 6 & 63] : '=', to);
        putc(i + 2 < n ? digits[v & 63] : '=', to);
    }
}

/* Pairs of time and percent, where it changes. */
static void write_machine(FILE *to, const struct findings *f)
{
    int8_t last = -1;

    for (uint32_t i = 0; i < f->recording->blocks; i++) {
        if (f->machine[i] == last)
            continue;
        fprintf(to, "[%u,%d],", i * DSP_BLOCK_MS, f->machine[i]);
        last = f->machine[i];
    }
    fprintf(to, "[%u,-1]", f->recording->blocks * DSP_BLOCK_MS);
}

static bool write_spectrogram(FILE *to, const struct findings *f, uint32_t step)
{
    uint32_t columns = (f->recording->blocks + step - 1) / step;
    uint8_t *bytes = calloc(columns, ROWS), *level = calloc(columns, 1);

    if (bytes && level) {
        for (uint32_t i = 0; i < f->recording->blocks; i++) {
            int tenth = f->level_ddb[i] / 5 + 160; /* half decibels above -80 dBm0 */
            uint8_t l = (uint8_t)(tenth < 0 ? 0 : tenth > 255 ? 255 : tenth);

            column(f->recording, i, bytes + (size_t)(i / step) * ROWS);
            level[i / step] = l > level[i / step] ? l : level[i / step];
        }
        fprintf(to, ",\"columns\":%u,\"rows\":%d,\"column_ms\":%u,\"spectrogram\":\"", columns,
                ROWS, step * DSP_BLOCK_MS);
        write_base64(to, bytes, (size_t)columns * ROWS);
        fputs("\",\"machine\":[", to);
        write_machine(to, f);
        fputs("],\"level\":\"", to);
        write_base64(to, level, columns);
        putc('"', to);
    }
    free(bytes);
    bool ok = bytes && level;
    free(level);
    return ok;
}

/* Runs of blocks that did not come. */
static void write_gaps(FILE *to, const struct recording *r)
{
    bool first = true;

    fputs(",\"gaps\":[", to);
    for (uint32_t i = 0; i < r->blocks; i++) {
        uint32_t from = i;

        while (i < r->blocks && (r->flags[i] & (DSP_FLAG_LOST | DSP_FLAG_NO_RTP)))
            i++;
        if (i > from) {
            fprintf(to, "%s[%u,%u]", first ? "" : ",", from * DSP_BLOCK_MS, i * DSP_BLOCK_MS);
            first = false;
        }
    }
    putc(']', to);
}

/* As JSON within a script element, where "</" would end it. */
static void write_text(FILE *to, const char *name, const char *text)
{
    char room[8192];
    struct buf out = buf_on(room, sizeof(room));
    struct json j;

    json_init(&j, &out);
    json_begin_array(&j, NULL);
    json_cstr(&j, NULL, text);
    json_end(&j);
    fprintf(to, ",\"%s\":", name);
    if (buf_end(&out) != OK) {
        fputs("\"\"", to);
        return;
    }
    for (size_t i = 1; i + 1 < out.len; i++) {
        if (out.p[i] == '<')
            fputs("\\u003c", to);
        else
            putc(out.p[i], to);
    }
}

static void write_events(FILE *to, const struct findings *f)
{
    fputs(",\"events\":[", to);
    for (uint32_t i = 0; i < f->n; i++) {
        const struct dsp_event *e = &f->at[i].event;
        char text[2];

        fprintf(to, "%s{\"kind\":\"%s\",\"at\":%u,\"start\":%u,\"end\":%u", i ? "," : "",
                dsp_kind_name((enum dsp_kind)e->kind), f->at[i].at_ms, e->start_ms, e->end_ms);
        fprintf(to, ",\"detail\":\"%s\",\"freq\":[%u,%u],\"level\":%.1f,\"sure\":%.2f}",
                finding_detail(f, e, text), e->freq_hz[0], e->freq_hz[1], e->level_ddb / 10.0,
                (double)e->confidence);
    }
    putc(']', to);
}

static bool write_data(FILE *to, const struct findings *f)
{
    const struct recording *r = f->recording;
    uint32_t step = (r->blocks + COLUMNS_MAX - 1) / COLUMNS_MAX;
    const char *slash = strrchr(f->path, '/');
    bool decided = f->verdict.event.kind == DSP_VERDICT;

    fprintf(to, "{\"length_ms\":%u,\"heard_ms\":%u", r->length_ms, r->blocks * DSP_BLOCK_MS);
    if (f->answered_ms != RECORDING_NEVER)
        fprintf(to, ",\"answered_ms\":%u", f->answered_ms);
    if (decided)
        fprintf(to, ",\"verdict_ms\":%u,\"sure\":%.3f", f->verdict.at_ms,
                (double)f->verdict.event.confidence);
    fprintf(to, ",\"beep_ms\":%u,\"lost\":%u", f->beep_ms, r->lost_blocks);
    write_text(to, "verdict",
               decided ? dsp_verdict_name((enum dsp_verdict)f->verdict.event.detail) : "none");
    write_text(to, "result", result_name(f->result));
    write_text(to, "file", slash ? slash + 1 : f->path);
    write_text(to, "plan", f->plan);
    write_text(to, "stream", r->is_capture ? r->stream[r->channel - 1].text : "");
    fprintf(to, ",\"rate_hz\":%u,\"channels\":%u,\"channel\":%u", r->rate_hz, r->channels,
            r->channel);
    write_gaps(to, r);
    write_events(to, f);
    bool ok = write_spectrogram(to, f, step ? step : 1);
    putc('}', to);
    return ok;
}

bool listen_plot(const struct findings *f, const char *out_path)
{
    size_t len = (size_t)(peal_listen_page_end - peal_listen_page);
    const char *mark = memmem(peal_listen_page, len, MARK, strlen(MARK));
    FILE *to = fopen(out_path, "w");
    bool ok = to && mark;

    if (!to) {
        fprintf(stderr, "peal listen: cannot write %s: %s; check path and rights\n", out_path,
                strerror(errno));
        return false;
    }
    if (mark) {
        fwrite(peal_listen_page, 1, (size_t)(mark - peal_listen_page), to);
        ok = write_data(to, f);
        mark += strlen(MARK);
        fwrite(mark, 1, (size_t)(peal_listen_page_end - mark), to);
    }
    ok = ferror(to) == 0 && ok;
    ok = fclose(to) == 0 && ok;
    if (!ok)
        fprintf(stderr, "peal listen: %s could not be written whole; is the disk full?\n",
                out_path);
    return ok;
}
