/* The message writer: see write.h. */
#include "sip/write.h"

#include "sip/scan.h"

static void put_crlf(struct buf *b)
{
    buf_put(b, SLICE("\r\n"));
}

/* Almost always clean: then one copy. */
static void put_value(struct buf *b, struct slice v)
{
    if (v.len == 0)
        return;
    if (!memchr(v.p, '\r', v.len) && !memchr(v.p, '\n', v.len)) {
        buf_put(b, v);
        return;
    }
    for (uint32_t i = 0; i < v.len; i++)
        buf_putc(b, v.p[i] == '\r' || v.p[i] == '\n' ? ' ' : v.p[i]);
}

static void begin(struct buf *b, enum sip_hdr id)
{
    buf_put(b, sip_hdr_name(id));
    buf_put(b, SLICE(": "));
}

/* ---- start lines ---- */

void sip_write_request(struct buf *b, struct slice method, struct slice uri)
{
    put_value(b, method);
    buf_putc(b, ' ');
    put_value(b, uri);
    buf_put(b, SLICE(" SIP/2.0\r\n"));
}

void sip_write_status(struct buf *b, unsigned status, struct slice phrase)
{
    buf_put(b, SLICE("SIP/2.0 "));
    buf_u64(b, status);
    buf_putc(b, ' ');
    put_value(b, phrase.len ? phrase : sip_status_phrase(status));
    put_crlf(b);
}

/* ---- headers ---- */

void sip_write_named(struct buf *b, struct slice name, struct slice value)
{
    put_value(b, name);
    buf_put(b, SLICE(": "));
    put_value(b, value);
    put_crlf(b);
}

void sip_write_header(struct buf *b, enum sip_hdr id, struct slice value)
{
    begin(b, id);
    put_value(b, value);
    put_crlf(b);
}

void sip_write_u32(struct buf *b, enum sip_hdr id, uint32_t value)
{
    begin(b, id);
    buf_u64(b, value);
    put_crlf(b);
}

void sip_write_via(struct buf *b, enum sip_transport t, struct slice sent_by, struct slice branch)
{
    buf_put(b, SLICE("Via: SIP/2.0/"));
    buf_put(b, sip_transport_name(t));
    buf_putc(b, ' ');
    put_value(b, sent_by);
    buf_put(b, SLICE(";rport;branch="));
    put_value(b, branch);
    put_crlf(b);
}

void sip_write_cseq(struct buf *b, uint32_t number, struct slice method)
{
    begin(b, SIP_H_CSEQ);
    buf_u64(b, number);
    buf_putc(b, ' ');
    put_value(b, method);
    put_crlf(b);
}

void sip_write_nameaddr(struct buf *b, enum sip_hdr id, struct slice display, struct slice uri,
                        struct slice tag)
{
    begin(b, id);
    sip_nameaddr_write(b, display, uri, tag);
    put_crlf(b);
}

void sip_write_copy(struct buf *b, const struct sip_msg *from, enum sip_hdr id)
{
    for (unsigned i = from->first[id] ? from->first[id] - 1u : from->nheaders; i < from->nheaders;
         i++)
        if (from->headers[i].id == id)
            sip_write_header(b, id, from->headers[i].value);
}

/* ---- responses ---- */

/* The top Via with received= and rport= of where the request came from. Parameters of these names
 * that the client wrote are replaced: it cannot say where its answers go. */
static void write_top_via(struct buf *b, const struct sip_via *v, const struct addr *source)
{
    char host[ADDR_TEXT_MAX];
    struct slice from = slice_cstr(addr_format_host(source, host, sizeof(host)));
    struct slice rest = v->params, name, value;
    buf_put(b, SLICE("SIP/2.0/"));
    buf_put(b, v->transport_name);
    buf_puts(b, v->host_is_ipv6 ? " [" : " ");
    buf_put(b, v->host);
    if (v->host_is_ipv6)
        buf_putc(b, ']');
    if (v->port) {
        buf_putc(b, ':');
        buf_u64(b, v->port);
    }
    while (sip_param_next(&rest, &name, &value)) {
        if (slice_ieq(name, SLICE("received")) || slice_ieq(name, SLICE("rport")))
            continue;
        buf_putc(b, ';');
        put_value(b, name);
        if (value.len) {
            buf_putc(b, '=');
            put_value(b, value);
        }
    }
    if (v->has_rport) {
        buf_put(b, SLICE(";rport="));
        buf_u64(b, addr_port(source));
    }
    /* RFC 3581 4: with rport, received= is written even when it says nothing new. */
    if (v->has_rport || !slice_ieq(v->host, from)) {
        buf_put(b, SLICE(";received="));
        buf_put(b, from);
    }
}

static void write_vias(struct buf *b, const struct sip_msg *req, const struct addr *source)
{
    bool stamp = source && req->via.host.len > 0;
    for (unsigned i = 0; i < req->nheaders; i++) {
        const struct sip_header *h = &req->headers[i];
        if (h->id != SIP_H_VIA)
            continue;
        begin(b, SIP_H_VIA);
        struct slice rest = h->value;
        if (stamp) {
            const char *end = req->via.text.p + req->via.text.len;
            rest = slice_from(h->value, (uint32_t)(end - h->value.p));
            write_top_via(b, &req->via, source);
            stamp = false;
        }
        put_value(b, rest); /* a comma and the other Vias of this line, if any */
        put_crlf(b);
    }
}

static void write_to(struct buf *b, const struct sip_msg *req, struct slice to_tag)
{
    if (!sip_has(req, SIP_H_TO))
        return;
    begin(b, SIP_H_TO);
    put_value(b, sip_get(req, SIP_H_TO));
    if (to_tag.len && req->to.tag.len == 0) {
        buf_put(b, SLICE(";tag="));
        put_value(b, to_tag);
    }
    put_crlf(b);
}

void sip_write_response(struct buf *b, const struct sip_msg *req, unsigned status,
                        struct slice phrase, struct slice to_tag, const struct addr *source)
{
    sip_write_status(b, status, phrase);
    write_vias(b, req, source);
    if (status > 100 && status < 300)
        sip_write_copy(b, req, SIP_H_RECORD_ROUTE);
    sip_write_copy(b, req, SIP_H_FROM);
    write_to(b, req, to_tag);
    sip_write_copy(b, req, SIP_H_CALL_ID);
    sip_write_copy(b, req, SIP_H_CSEQ);
    if (status == 100)
        sip_write_copy(b, req, SIP_H_TIMESTAMP);
}

/* ---- ends ---- */

void sip_write_end(struct buf *b)
{
    buf_put(b, SLICE("Content-Length: 0\r\n\r\n"));
}

void sip_write_body(struct buf *b, struct slice content_type, struct slice body)
{
    sip_write_header(b, SIP_H_CONTENT_TYPE, content_type);
    sip_write_u32(b, SIP_H_CONTENT_LENGTH, body.len);
    put_crlf(b);
    buf_put(b, body);
}

void sip_write_msg(struct buf *b, const struct sip_msg *m)
{
    if (m->is_request)
        sip_write_request(b, m->method_name, m->uri_text);
    else
        sip_write_status(b, m->status, m->phrase);
    for (unsigned i = 0; i < m->nheaders; i++) {
        const struct sip_header *h = &m->headers[i];
        if (h->id == SIP_H_OTHER)
            sip_write_named(b, h->name, h->value);
        else if (h->id != SIP_H_CONTENT_LENGTH)
            sip_write_header(b, (enum sip_hdr)h->id, h->value);
    }
    sip_write_u32(b, SIP_H_CONTENT_LENGTH, m->body.len);
    put_crlf(b);
    buf_put(b, m->body);
}
