#include "dsp/amd_front.h"

#include "dsp/dsp.h"
#include "dsp/num.h"

#define FRONT_DDB     120
#define LOUDER_DDB    80
#define LOUDER_BLOCKS 3
#define GAP_MS        240 /* ends a burst */
#define SHARE_ONE     4096
#define FLOOR_DDB     (-700)

static void restart(struct amd_front *f, int16_t level_ddb, uint32_t now_ms)
{
    int16_t back = f->started ? f->loud_ddb : FLOOR_DDB;
    *f = (struct amd_front){.loud_ddb = level_ddb, .back_ddb = back, .started = true};
    f->spurt_ms = f->last_ms = now_ms - DSP_BLOCK_MS;
}

static void burst_begin(struct amd_front *f, uint32_t now_ms)
{
    uint32_t start = now_ms - DSP_BLOCK_MS;
    if (f->bursts) {
        f->last_gap_ms = num_u16(start - f->last_ms);
        f->longest_gap_ms = f->last_gap_ms > f->longest_gap_ms ? f->last_gap_ms : f->longest_gap_ms;
    }
    f->bursts = (uint8_t)(f->bursts + (f->bursts < UINT8_MAX));
    f->spurt_ms = start;
    f->speaking = true;
}

static void burst_grow(struct amd_front *f, uint32_t now_ms)
{
    f->last_ms = now_ms;
    uint16_t length = num_u16(f->last_ms - f->spurt_ms);
    if (f->bursts == 1)
        f->first_burst_ms = length;
    f->longest_burst_ms = length > f->longest_burst_ms ? length : f->longest_burst_ms;
}

static void follow_loudness(struct amd_front *f, int16_t level)
{
    int off = level - f->loud_ddb;
    if (off > 0)
        f->loud_ddb = (int16_t)(f->loud_ddb + (off + 7) / 8);
    else if (off > -FRONT_DDB)
        f->loud_ddb = (int16_t)(f->loud_ddb + off / 32);
}

void amd_front_run(struct amd_front *f, int16_t level_ddb, bool active, uint32_t now_ms)
{
    int16_t level = level_ddb > FLOOR_DDB ? level_ddb : FLOOR_DDB;
    if (!f->started && !active)
        return;
    bool louder = active && f->started && level > f->loud_ddb + LOUDER_DDB;
    f->louder = (uint8_t)(louder ? f->louder + 1 : 0);
    if (!f->started || f->louder >= LOUDER_BLOCKS)
        restart(f, level, now_ms);
    else if (active && !louder)
        follow_loudness(f, level);
    bool front = active && level > f->loud_ddb - FRONT_DDB;
    f->bits = (uint8_t)(f->bits << 1 | front);
    f->share = (uint16_t)(f->share + ((front ? SHARE_ONE : 0) - f->share) / 64);
    if (!front)
        f->back_ddb = (int16_t)(f->back_ddb + (level - f->back_ddb) / 8);
    if (front && !f->speaking)
        burst_begin(f, now_ms);
    if (front && (f->bits & 6u || now_ms - f->spurt_ms == DSP_BLOCK_MS))
        burst_grow(f, now_ms);
    if (f->speaking && now_ms - f->last_ms >= GAP_MS) {
        f->finished_ms += f->last_ms - f->spurt_ms;
        f->speaking = false;
    }
}

uint32_t amd_front_gap(const struct amd_front *f, uint32_t now_ms)
{
    return f->started ? now_ms - f->last_ms : 0;
}
