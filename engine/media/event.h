/* Keys the far end presses: RFC 4733 packets to digits, and one event a key when a gateway sends
 * the same key both as an event and in band. Pure; the caller brings the clock. */
#ifndef PEAL_MEDIA_EVENT_H
#define PEAL_MEDIA_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_BYTES       4
#define EVENT_TIMEOUT_US  150000 /* no packet of an event for so long: its end was lost */
#define EVENT_SAME_KEY_US 300000 /* in band and event this close together: one key */

struct event_receiver {
    bool seen;   /* ts and code are of the last event */
    bool active; /* between its first packet and its end */
    uint8_t code;
    uint16_t duration;
    uint32_t ts;
    uint64_t last_us;
    char digit[2];        /* last reported, by source: 0 event, 1 in band */
    uint64_t digit_us[2]; /* … when it was last heard */
};

/* A packet's payload with its RTP timestamp. Returns the digit when a new key began, else 0
 * (a repetition, an event that is no key, a malformed payload). */
char event_take(struct event_receiver *r, const uint8_t *payload, size_t len, uint32_t ts,
                uint64_t now_us);
/* A key heard in band. Returns it, or 0 when it was reported from its event already. */
char event_in_band(struct event_receiver *r, char digit, uint64_t now_us);
/* Is an event under way? (Then the detector is told not to report in-band keys.) */
bool event_under_way(struct event_receiver *r, uint64_t now_us);

/* Payload of EVENT_BYTES: volume in -dBm0 (0…63). */
void event_write(uint8_t *p, uint8_t code, bool end, uint8_t volume, uint16_t duration);

#endif
