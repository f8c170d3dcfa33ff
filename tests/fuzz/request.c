// SPDX-License-Identifier: Apache-2.0
// Fuzz target: requests of commands to a managed system, well-formed as messages, with any names and values. An input is a series of them:
// a letter for the kind of message, a letter for the object, then name=value (which object) and name:value (what), between blanks. What is made lives
// until the input ends; the accounts must add up whatever was asked.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hyper/objects.h"
#include "hyper/usage.h"
#include "hyper/utilisation.h"
#include "hyper/views.h"
#include "proto/hyper/message.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static char folder[] = "/dev/shm/openlpar-fuzz-XXXXXX";

static char *image; // of the database of a system without partitions
static size_t image_size;

static void in_folder(const char *name, char path[64])
{
    snprintf(path, 64, "%s/%s", folder, name);
}

static void clear(void)
{
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char name[400];
        snprintf(name, sizeof(name), "%s/%s", folder, e->d_name);
        unlink(name);
    }
    if (dir)
        closedir(dir);
}

static void leave(void)
{
    clear();
    rmdir(folder);
    free(image);
}

static void prepare(void)
{
    char why[512], path[64];
    if (!mkdtemp(folder) || sys_create(folder, "fuzz", 4, 4, 4096, 256, why, sizeof(why)))
        abort();
    atexit(leave);
    in_folder("system.db", path);
    FILE *from = fopen(path, "r");
    fseek(from, 0, SEEK_END);
    image_size = (size_t)ftell(from);
    rewind(from);
    image = malloc(image_size);
    if (fread(image, 1, image_size, from) != image_size)
        abort();
    fclose(from);
}

static struct sys *fresh(void)
{
    static const char *const old[] = {"system.db-wal", "system.db-shm"};
    char why[512], path[64];
    for (unsigned i = 0; i < ARRAY_LEN(old); i++) {
        in_folder(old[i], path);
        unlink(path);
    }
    in_folder("system.db", path);
    FILE *to = fopen(path, "w");
    fwrite(image, 1, image_size, to);
    fclose(to);
    struct sys *sys = sys_open(folder, why, sizeof(why));
    if (!sys)
        abort();
    util_begin(sys, false);
    return sys;
}

static void ignore(void *arg, const struct wire_record *row)
{
    if (row->len > WIRE_PAIRS_MAX)
        abort();
}

// Numbers, texts, lists (with a comma), and changes of lists (+ or - before the value).
static void put(struct wire_record *r, const char *name, const char *text)
{
    struct wire_value v = {.kind = WIRE_TEXT, .text = text};
    if (*text == '+' || *text == '-') {
        v.change = *text == '+' ? WIRE_ADD : WIRE_TAKE;
        v.text = ++text;
    }
    if (*text && strspn(text, "0123456789") == strlen(text))
        v = (struct wire_value){.kind = WIRE_NUM, .num = strtoull(text, NULL, 10)};
    else if (strchr(text, ',') || v.change)
        v.kind = WIRE_LIST;
    else if (strcmp(text, "~") == 0)
        v = (struct wire_value){.kind = WIRE_NULL};
    wire_put(r, name, v);
}

static void request(struct sys *sys, char *line)
{
    static struct wire_message m; // large
    static struct answer answer;
    char *save, *word = strtok_r(line, " ", &save);
    if (!word || !word[0] || !word[1])
        return;
    m = (struct wire_message){.object = (u8)(word[1] - 'a')};
    answer = (struct answer){0};
    for (char *p = strtok_r(NULL, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        size_t len = strcspn(p, "=:");
        char c = p[len];
        if (!c || !len || len > 100)
            continue;
        p[len] = 0;
        put(c == '=' ? &m.where : &m.values, p, p + len + 1);
    }
    switch (word[0]) {
    case 'l': views_list(sys, &m, ignore, NULL, &answer); break;
    case 'c': objects_create(sys, &m, &answer); break;
    case 'h': objects_change(sys, &m, &answer); break;
    case 'r': objects_remove(sys, &m, &answer); break;
    case 's': objects_save(sys, &m, &answer); break;
    case 'a': objects_apply(sys, &m, &answer); break;
    default: break;
    }
    struct usage u = usage_of(sys);
    if (u.mem_available + u.mem_firmware + u.mem_used != u.mem || (answer.refused && !answer.text[0]))
        abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (!image)
        prepare();
    char *text = malloc(size + 1), *save;
    memcpy(text, data, size);
    text[size] = 0;
    for (size_t i = 0; i < size; i++)
        if (!text[i])
            text[i] = '\n';
    struct sys *sys = fresh();
    unsigned requests = 0;
    for (char *line = strtok_r(text, "\n", &save); line && requests++ < 20; line = strtok_r(NULL, "\n", &save))
        request(sys, line);
    sys_close(sys);
    free(text);
    return 0;
}
