// SPDX-License-Identifier: Apache-2.0
// Lines of commands: quotes, pipes to a few filters, and the shell on the VIOS's virtual terminal.
//
// Nothing of the host can be reached from here: a line runs commands of the table and the filters of filter.c, it names no files and starts no program.
#include <stdlib.h>
#include <string.h>

#include "vios/admin/filter.h"
#include "vios/admin/ios_int.h"

#define LINE_SIZE 4096u
#define WORDS_MAX 256u

// --- Words

struct words {
    char text[LINE_SIZE];
    char *word[WORDS_MAX + 1];
    int len;
    bool piped; // a | follows
};

// Takes one word, its quotes and backslashes away. Behind it; NULL: *why says why not.
static const char *take_word(const char *p, char **to, const char **why)
{
    for (char quote = 0; *p && (quote || !strchr(" \t\r\n|", *p)); p++) {
        if (quote ? *p == quote : *p == '"' || *p == '\'') {
            quote = quote ? 0 : *p;
        } else if (!quote && strchr("<>;&`", *p)) {
            *why = "Redirection, ; & and ` are not allowed in this shell; pipes to grep, head, tail, wc and sort are.";
            return NULL;
        } else {
            p += *p == '\\' && quote != '\'' && p[1];
            *(*to)++ = *p;
        }
        if (quote && !p[1]) {
            *why = "A quotation mark is missing at the end.";
            return NULL;
        }
    }
    *(*to)++ = 0;
    return p;
}

// The words up to the next | or the end. What follows; NULL: *why says why not.
static const char *split(const char *line, struct words *w, const char **why)
{
    char *to = w->text;
    w->len = 0;
    for (;;) {
        line += strspn(line, " \t\r\n");
        if (!*line || *line == '|')
            break;
        if (w->len == WORDS_MAX) {
            *why = "There are too many words in the line.";
            return NULL;
        }
        w->word[w->len++] = to;
        line = take_word(line, &to, why);
        if (!line)
            return NULL;
    }
    w->word[w->len] = NULL;
    w->piped = *line == '|';
    return line + w->piped;
}

// One part of a pipeline; what the part before it printed is its input.
static int run_part(struct ios *ios, const char *user, struct words *w, struct ios_text *input, struct ios_out *out)
{
    struct ios_out part = {.err = out->err};
    int status;
    if (input)
        status = filter_run(w->len, w->word, input, &part);
    else
        status = ios_run(ios, user, w->len, w->word, &part);
    out->err = part.err;
    free(out->out.text);
    out->out = part.out;
    return status;
}

static int run_line(struct ios *ios, const char *user, const char *line, struct words *w, struct ios_out *out)
{
    const char *why = NULL;
    struct ios_text input;
    int status = 0;
    for (bool first = true;; first = false) {
        line = split(line, w, &why);
        if (line && !w->len && (!first || w->piped))
            why = "A command is missing beside the pipe.";
        if (why) {
            out->out.len = 0; // nobody gets what the parts before printed
            text_add(&out->err, "%s\n", why);
            return 1;
        }
        if (!w->len)
            return 0;
        input = out->out;
        status = run_part(ios, user, w, first ? NULL : &input, out);
        if (!w->piped)
            return status;
    }
}

int ios_run_line(struct ios *ios, const char *user, const char *line, struct ios_out *out)
{
    struct ios_out mine = {0};
    struct words *w = malloc(sizeof(*w));
    int status = 1;
    if (!w || strlen(line) >= LINE_SIZE)
        text_add(&mine.err, "The line is too long: at most %u characters.\n", LINE_SIZE - 1);
    else
        status = run_line(ios, user, line, w, &mine);
    if (mine.out.len)
        text_put(&out->out, mine.out.text, mine.out.len);
    if (mine.err.len)
        text_put(&out->err, mine.err.text, mine.err.len);
    ios_out_fini(&mine);
    free(w);
    return status;
}

// --- The terminal

struct ios_shell {
    struct ios *ios;
    char user[32];
    void (*write)(void *context, const char *text, size_t len);
    void *context;
    char line[LINE_SIZE];
    u32 len;
    bool escape;   // inside of a key's sequence, which nobody needs here
    bool returned; // the last byte was a carriage return
};

static void put(struct ios_shell *sh, const char *text)
{
    sh->write(sh->context, text, strlen(text));
}

// On a terminal lines end with a carriage return, too.
static void put_lines(struct ios_shell *sh, const struct ios_text *text)
{
    for (size_t at = 0; at < text->len;) {
        const char *end = memchr(text->text + at, '\n', text->len - at);
        size_t len = end ? (size_t)(end - text->text) - at : text->len - at;
        sh->write(sh->context, text->text + at, len);
        if (end)
            put(sh, "\r\n");
        at += len + (end != NULL);
    }
}

static void run_typed(struct ios_shell *sh, const char *line)
{
    struct ios_out out = {0};
    ios_run_line(sh->ios, sh->user, line, &out);
    put_lines(sh, &out.out);
    put_lines(sh, &out.err);
    ios_out_fini(&out);
    put(sh, "$ ");
}

struct ios_shell *ios_shell_new(struct ios *ios, const char *user,
                                void (*write)(void *context, const char *text, size_t len), void *context)
{
    struct ios_shell *sh = calloc(1, sizeof(*sh));
    if (!sh)
        return NULL;
    sh->ios = ios;
    sh->write = write;
    sh->context = context;
    snprintf(sh->user, sizeof(sh->user), "%s", user);
    put(sh, "\r\n");
    run_typed(sh, "motd");
    return sh;
}

void ios_shell_free(struct ios_shell *sh)
{
    free(sh);
}

static void enter(struct ios_shell *sh)
{
    put(sh, "\r\n");
    sh->line[sh->len] = 0;
    sh->len = 0;
    run_typed(sh, sh->line);
}

static void erase(struct ios_shell *sh, u32 len)
{
    for (; len && sh->len; len--, sh->len--)
        put(sh, "\b \b");
}

static void key(struct ios_shell *sh, char c)
{
    bool after_return = sh->returned;
    sh->returned = c == '\r';
    if (sh->escape) {
        sh->escape = c == '[' || c == 'O' || (c >= '0' && c <= '?');
    } else if (c == 27) {
        sh->escape = true;
    } else if (c == '\r' || (c == '\n' && !after_return)) {
        enter(sh);
    } else if (c == 8 || c == 127) {
        erase(sh, 1);
    } else if (c == 'U' - '@') {
        erase(sh, sh->len);
    } else if (c == 'C' - '@') {
        put(sh, "^C\r\n$ ");
        sh->len = 0;
    } else if ((unsigned char)c >= 32 && sh->len + 1 < LINE_SIZE) {
        sh->line[sh->len++] = c;
        sh->write(sh->context, &c, 1);
    }
}

void ios_shell_input(struct ios_shell *sh, const u8 *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        key(sh, (char)bytes[i]);
}
