/* a=x-peal-shared: the socket that the legs of an engine of ours share (media/shared.h). */
#include "sip/offer_shared.h"

void sdp_session_shared(struct sdp_session *s, uint16_t port, uint32_t number)
{
    s->shared_port = number ? port : 0;
    s->shared_number = number;
}

void shared_write(struct buf *b, const struct sdp_session *s)
{
    buf_puts(b, "a=x-peal-shared:");
    buf_puts(b, s->host);
    buf_putc(b, ' ');
    buf_u64(b, s->port);
    buf_putc(b, ' ');
    buf_u64(b, s->shared_port);
    buf_putc(b, ' ');
    buf_u64(b, s->shared_number);
    buf_puts(b, "\r\n");
}

void shared_read(const struct sdp *peer, unsigned media, struct sdp_negotiated *n)
{
    struct slice value, host, own, port, number;
    uint64_t own_port, shared_port, ssrc;

    if (!sdp_attr(peer, (int)media, SLICE("x-peal-shared"), &value))
        return;
    slice_cut(value, ' ', &host, &value);
    slice_cut(value, ' ', &own, &value);
    slice_cut(value, ' ', &port, &number);
    if (!slice_ieq(host, n->host) || slice_u64(own, UINT16_MAX, &own_port) != OK ||
        own_port != n->port || slice_u64(port, UINT16_MAX, &shared_port) != OK ||
        slice_u64(number, UINT32_MAX, &ssrc) != OK || shared_port == 0 || ssrc == 0)
        return;
    n->shared_port = (uint16_t)shared_port;
    n->shared_number = (uint32_t)ssrc;
}
