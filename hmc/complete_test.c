// SPDX-License-Identifier: Apache-2.0
// Completion, manual pages and help against the tables.
#include "hmc/complete.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "hmc/manual.h"
#include "hmc/resources.h"
#include "hmc/words.h"

// The candidates with blanks between them.
static const char *at(const char *line)
{
    static char text[8192];
    char *all = NULL;
    size_t size;
    FILE *to = open_memstream(&all, &size);
    complete(line, strlen(line), to);
    fclose(to);
    if (size)
        all[size - 1] = 0;
    for (char *p = all; *p; p++)
        if (*p == '\n')
            *p = ' ';
    snprintf(text, sizeof(text), "%s", all);
    free(all);
    return text;
}

static void test_words(void)
{
    struct words w;
    const char *line = "a  'b c' \"d\\\"e\" f\\ g=h";
    CHECK(words_split(&w, line, strlen(line)));
    CHECK_EQ(w.len, 4);
    CHECK_STR(w.word[1], "b c");
    CHECK_STR(w.word[2], "d\"e");
    CHECK_STR(w.word[3], "f g=h");
    CHECK(w.start == 4 && !w.quote);
    words_free(&w);
    CHECK(words_split(&w, "a \"b=c and more", 6));
    CHECK_STR(w.word[1], "b=c");
    CHECK(w.quote == '"' && w.start == 0);
    words_free(&w);
    CHECK(words_split(&w, "", 9));
    CHECK(w.len == 1 && !*w.word[0]);
    words_free(&w);
}

static void test_completion(void)
{
    CHECK_STR(at("hmc lssy"), "lssyscfg");
    CHECK(strstr(at("hmc "), "lssyscfg mksyscfg "));
    CHECK_STR(at("lssyscfg -r lp"), "lpar");
    CHECK_STR(at("/usr/bin/hmc lshwres -r proc --level "), "sys lpar pool");
    CHECK_STR(at("lssyscfg -r lpar --fi"), "--filter");
    CHECK_STR(at("lssyscfg -r lpar --filter x -r"), ""); // given already
    CHECK_STR(at("lssyscfg -r lpar --filter lpar_n"), "lpar_names=");
    CHECK_STR(at("lssyscfg -r lpar -F name,lpar_i"), "name,lpar_id");
    CHECK_STR(at("lssyscfg -r lpar -F name:lpar_i"), "lpar_id"); // the shell takes up behind the colon
    CHECK_STR(at("lssyscfg -r sys -F mem_r"), "mem_region_size");
    CHECK_STR(at("lssyscfg -r sys -F new_n"), ""); // cannot be read
    CHECK_STR(at("chsysstate -r sys -o off"), "off");
    CHECK(strstr(at("chsysstate -r sys -o "), "onstandby"));
    CHECK_STR(at("chhwres -r procpool -o s -a max_p"), "max_pool_proc_units=");
    CHECK_STR(at("chlparutil -r config -s 3"), "30 300 3600");
    CHECK_STR(at("lslparutil -s "), "s h d m");
    CHECK_STR(at("mksyscfg -r lpar -i name=x,sharing_m"), "x,sharing_mode=");
    CHECK_STR(at("mksyscfg -r lpar -i \"name=x,proc_m"), "name=x,proc_mode=");
    CHECK_STR(at("mksyscfg -r lpar -i proc_mode="), "ded shared");
    CHECK_STR(at("chsyscfg -r lpar -i auto_start="), "0 1");
    CHECK_STR(at("nothing -r "), "");
    CHECK_STR(at("lssyscfg -m nowhere -r lpar --filter lpar_names="), "");
    CHECK_STR(at(""), "");
}

// What the shell would not read as one word is escaped.
static void test_offers(void)
{
    static const struct {
        const char *line, *candidate, *want;
    } cases[] = {{"x we", "web 01", "web\\ 01\n"},
                 {"x \"we", "web 01", "web 01\n"},
                 {"x \"we", "web$1", "web\\$1\n"},
                 {"x a=we", "a=web", "web\n"},
                 {"x we", "db", ""},
                 {"x ", "a\nb", ""},
                 {"x 'we", "web'1", "web'1\n"}};
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct words w;
        char *text = NULL;
        size_t size;
        FILE *to = open_memstream(&text, &size);
        CHECK(words_split(&w, cases[i].line, 100));
        words_offer(&w, to, cases[i].candidate);
        fclose(to);
        CHECK_STR(text, cases[i].want);
        words_free(&w);
        free(text);
    }
}

static bool contains(const char *text, const char *what)
{
    bool found = strstr(text, what) != NULL;
    if (!found)
        printf("# missing: %s\n", what);
    return found;
}

// In a manual page a dash has a backslash.
static const char *dashed(const char *text)
{
    static char out[256];
    size_t len = 0;
    for (; *text && len < sizeof(out) - 3; text++) {
        if (*text == '-')
            out[len++] = '\\';
        out[len++] = *text;
    }
    out[len] = 0;
    return out;
}

// Every page names what the tables have: options, kinds of resource, attributes, operations.
static void test_manuals(void)
{
    for (u32 i = 0; i < hmc_commands_len; i++) {
        const struct command *command = &hmc_commands[i];
        struct option_use uses[OPTIONS_MAX];
        char *page = NULL;
        size_t size;
        FILE *to = open_memstream(&page, &size);
        manual_print(to, command);
        fclose(to);
        u32 len = options_of(command, uses);
        CHECK(len > 0 && strstr(page, ".SH NAME") && strstr(page, ".SH EXAMPLES"));
        for (u32 j = 0; j < len; j++)
            CHECK(contains(page, dashed(uses[j].spelling)) && contains(page, dashed(uses[j].help)));
        for (u32 j = 0; j < hmc_resources_len; j++) {
            const struct resource *r = &hmc_resources[j];
            if (strcmp(r->command, command->name))
                continue;
            CHECK(contains(page, dashed(r->help)) || !*r->resource);
            u32 attrs_len;
            const struct attr *attrs = attr_list(r->object, &attrs_len);
            for (u32 k = 0; r->object && strncmp(command->name, "ls", 2) == 0 && k < attrs_len; k++)
                if (attrs[k].flags & ATTR_SHOWN)
                    CHECK(contains(page, attrs[k].name));
        }
        for (const char *p = page; (p = strchr(p, '\n')); p++) // no text is taken for a request
            CHECK(p[1] != '\'' && !(p[1] == '.' && !strchr("YSTPBIRbfn\\i", p[2])));
        free(page);
    }
}

// Tables name only what is there, and every example can be parsed.
static void test_tables(void)
{
    for (u32 i = 0; i < hmc_resources_len + hmc_operations_len + hmc_examples_len + hmc_notes_len; i++) {
        u32 j = i;
        const char *name = j < hmc_resources_len                           ? hmc_resources[j].command
                           : (j -= hmc_resources_len) < hmc_operations_len ? hmc_operations[j].command
                           : (j -= hmc_operations_len) < hmc_examples_len  ? hmc_examples[j].command
                                                                           : hmc_notes[j - hmc_examples_len].command;
        bool found = false;
        for (u32 k = 0; k < hmc_commands_len; k++)
            found |= strcmp(hmc_commands[k].name, name) == 0;
        CHECK(found);
    }
    for (u32 i = 0; i < hmc_examples_len; i++) {
        struct words w;
        struct options o;
        const struct command *command = NULL;
        char *argv[WORDS_MAX];
        CHECK(words_split(&w, hmc_examples[i].line, strlen(hmc_examples[i].line)));
        for (u32 j = 0; j < w.len; j++)
            argv[j] = (char *)(uintptr_t)w.word[j];
        for (u32 j = 0; j < hmc_commands_len; j++)
            if (strcmp(hmc_commands[j].name, w.word[0]) == 0)
                command = &hmc_commands[j];
        CHECK(command && strcmp(command->name, hmc_examples[i].command) == 0);
        CHECK(command && options_parse(command, (int)w.len, argv, &o) == 0);
        if (command && o.resource)
            CHECK(resource_find(command->name, &o) != NULL);
        words_free(&w);
    }
}

int main(void)
{
    setenv("XDG_STATE_HOME", "/nowhere", 1);
    TEST(test_words);
    TEST(test_completion);
    TEST(test_offers);
    TEST(test_manuals);
    TEST(test_tables);
    return test_done();
}
