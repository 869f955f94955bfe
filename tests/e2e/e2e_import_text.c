/* tests/e2e/e2e_import_text.c: Open Images, WIDER FACE, CrowdHuman, KITTI and VisDrone through the real binary on
 * 1, 2, 3 ranks
 *
 * Each made set is imported with nothing but the content to tell its format, sizes from a table or from
 * pictures' headers; the dump of annotations.h5 by h5py is compared with what the text says.
 */
#include "tests/check.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void put(const char *name, const char *text) { check_file(name, text, strlen(text)); }

/* A BMP's header is all that is read of a picture; its name does not matter. */
static void picture(const char *name, int width, int height)
{
    unsigned char b[54] = { 'B', 'M', 54, [10] = 54, [14] = 40, [26] = 1, [28] = 24 };
    const int at[2] = { 18, 22 }, value[2] = { width, height };
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 4; i++) b[at[k] + i] = (unsigned char)(value[k] >> 8 * i);
    check_file(name, b, sizeof b);
}

static const char dump[] =
    "import h5py, sys\n"
    "f = h5py.File(sys.argv[1])\n"
    "names = dict(zip(f['categories/id'][:].tolist(), f['categories/name'][:].tolist()))\n"
    "print('categories', ', '.join('%d %s' % (k, v.decode()) for k, v in sorted(names.items())))\n"
    "o = f['boxes/offset'][:]\n"
    "for i, (k, s, n) in enumerate(zip(f['images/id'][:], f['images/size'][:], f['images/file_name'][:])):\n"
    "    print('%d %dx%d %s' % (k, s[1], s[0], n.decode()))\n"
    "    for b in range(o[i], o[i + 1]):\n"
    "        print('  ', *('%g' % c for c in f['boxes/xyxy'][b]), f['boxes/category'][b], 'ignore' if "
    "f['boxes/crowd'][b] else 'object')\n";

/* Imports on 1, 2 and 3 ranks: the bytes are the same, the dump is wanted, and `label` takes the same source.
 */
static void imports(const char *set, const char *args, const char *wanted)
{
    const char *script = check_file("dump.py", dump, sizeof dump - 1);
    char *text = NULL;
    for (int ranks = 1; ranks <= 3; ranks++) {
        int code = check_run(&text, "cd %s && timeout -k 10 120 mpirun -n %d %s import %s -o %s-%d.h5",
                             check_dir(), ranks, ANC_BINARY, args, set, ranks);
        CU_ASSERT_EQUAL(code, 0);
        if (code) printf("\n    %s", text);
        free(text);
    }
    CU_ASSERT_EQUAL(check_run(NULL, "cd %s && cmp %s-1.h5 %s-2.h5 && cmp %s-1.h5 %s-3.h5", check_dir(), set,
                              set, set, set),
                    0);
    CU_ASSERT_EQUAL(check_run(&text, "/usr/bin/python3 %s %s", script, check_path("%s-1.h5", set)), 0);
    CU_ASSERT_STRING_EQUAL(text, wanted);
    if (strcmp(text, wanted)) printf("\n%s", text);
    free(text);
    int code = check_run(
        &text,
        "cd %s && timeout -k 10 120 mpirun -n 2 %s label %s -o %s-targets -q && %s verify -q %s-targets",
        check_dir(), ANC_BINARY, args, set, ANC_BINARY, set);
    CU_ASSERT_EQUAL(code, 0);
    if (code) printf("\n    %s", text);
    free(text);
}

static void open_images_by_table_and_class_descriptions(void)
{
    put("oi-boxes.csv",
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf\n"
        "00ff,xclick,/m/b,1,0.25,0.5,0.125,1,0,0,0\n"
        "000a,xclick,/m/a,1,0,1,0,1,1,1,1\n"
        "00ff,xclick,/m/a,1,0.5,0.75,0.5,0.75,0,0,0\n");
    put("oi-sizes.csv", "Height,ImageID,Width\n480,00ff,640\n300,000a,400\n");
    put("oi-names.csv", "LabelName,DisplayName\n/m/b,Bee\n/m/a,\"Ant, red\"\n/m/c,Cat\n");
    imports("oi", "oi-boxes.csv --sizes oi-sizes.csv --names oi-names.csv",
            "categories 1 Bee, 2 Ant, red, 3 Cat\n"
            "1 400x300 000a.jpg\n"
            "   0 0 400 300 2 ignore\n"
            "2 640x480 00ff.jpg\n"
            "   160 60 320 480 1 object\n"
            "   320 240 480 360 2 object\n");
}

static void wider_face_by_pictures(void)
{
    put("wider.txt", "1--Handshaking/b.jpg\n2\n10 20 30 40 0 0 0 0 0 0 \n1 2 3 4 0 0 0 1 0 0 \n"
                     "0--Parade/a.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \n");
    mkdir(check_path("wider"), 0777);
    mkdir(check_path("wider/0--Parade"), 0777);
    mkdir(check_path("wider/1--Handshaking"), 0777);
    picture("wider/0--Parade/a.jpg", 320, 200);
    picture("wider/1--Handshaking/b.jpg", 321, 201);
    imports("wider", "wider.txt --images wider",
            "categories 1 face\n"
            "1 320x200 0--Parade/a.jpg\n"
            "2 321x201 1--Handshaking/b.jpg\n"
            "   10 20 40 60 1 object\n"
            "   1 2 4 6 1 ignore\n");
}

static void crowdhuman_by_json_sizes_and_kind_of_box(void)
{
    put("ch.odgt",
        "{\"ID\": \"2,b\", \"gtboxes\": [{\"tag\": \"person\", \"hbox\": [5, 6, 7, 8], \"head_attr\": "
        "{\"ignore\": 0}, "
        "\"fbox\": [-9, 2, 30, 40], \"vbox\": [0, 2, 11, 40], \"extra\": {\"occ\": 0}}, {\"tag\": \"mask\", "
        "\"hbox\": [1, 2, 3, 4], \"fbox\": [1, 2, 3, 4], \"vbox\": [1, 2, 3, 4], \"extra\": {\"ignore\": "
        "1}}]}\n"
        "{\"ID\": \"1,a\", \"gtboxes\": []}\n");
    put("ch.json", "{\"1,a\": [100, 200], \"2,b\": [101, 201]}");
    imports("ch", "ch.odgt --sizes ch.json",
            "categories 1 person\n1 200x100 1,a.jpg\n2 201x101 2,b.jpg\n   -9 2 21 42 1 object\n   1 2 4 6 1 "
            "ignore\n");
    imports("ch-head", "ch.odgt --sizes ch.json --box hbox",
            "categories 1 head\n1 200x100 1,a.jpg\n2 201x101 2,b.jpg\n   5 6 12 14 1 object\n   1 2 4 6 1 "
            "ignore\n");
}

static void kitti_by_the_pictures_beside_its_labels(void)
{
    mkdir(check_path("kitti"), 0777);
    mkdir(check_path("kitti/label_2"), 0777);
    mkdir(check_path("kitti/image_2"), 0777);
    put("kitti/label_2/000001.txt", "");
    put("kitti/label_2/000000.txt",
        "Car 0.00 0 -1.57 599.5 156.25 629.75 189 2.85 2.63 12.34 0.47 1.49 69.44 -1.56\n"
        "DontCare -1 -1 -10 503.5 169.5 590.5 190.5 -1 -1 -1 -1000 -1000 -1000 -10\n");
    picture("kitti/image_2/000000.png", 1224, 370);
    picture("kitti/image_2/000001.png", 1242, 375);
    const char *wanted =
        "categories 1 Car, 2 DontCare\n1 1224x370 000000.png\n   599.5 156.25 629.75 189 1 object\n"
        "   503.5 169.5 590.5 190.5 2 ignore\n2 1242x375 000001.png\n";
    imports("kitti", "kitti", wanted);
    imports("kitti-labels", "kitti/label_2/", wanted);
}

static void visdrone_by_the_pictures_beside_its_annotations(void)
{
    mkdir(check_path("visdrone"), 0777);
    mkdir(check_path("visdrone/annotations"), 0777);
    mkdir(check_path("visdrone/images"), 0777);
    put("visdrone/annotations/0001_d.txt",
        "684,8,273,116,0,0,0,0\n255,22,119,128,1,4,0,0\n1,2,3,4,1,11,0,0,\n");
    picture("visdrone/images/0001_d.jpg", 960, 540);
    imports("visdrone", "visdrone",
            "categories 0 ignored regions, 1 pedestrian, 2 people, 3 bicycle, 4 car, 5 van, 6 truck, 7 "
            "tricycle, 8 "
            "awning-tricycle, 9 bus, 10 motor, 11 others\n"
            "1 960x540 0001_d.jpg\n"
            "   684 8 957 124 0 ignore\n"
            "   255 22 374 150 4 object\n"
            "   1 2 4 6 11 ignore\n");
}

/* One line, from one rank, that holds the words; nothing is left behind. */
static void is_refused(const char *args, const char *words)
{
    for (int ranks = 1; ranks <= 3; ranks += 2) {
        char *text = NULL;
        int code = check_run(
            &text,
            "cd %s && timeout -k 10 120 mpirun -n %d %s import %s -o refused.h5 >said 2>&1; code=$?; "
            "grep ^anchorage said; test $code = 1 && test ! -e refused.h5 && test ! -e refused.h5.part",
            check_dir(), ranks, ANC_BINARY, args);
        CU_ASSERT_EQUAL(code, 0);
        const char *end = strchr(text, '\n');
        bool good = end && !end[1] && strstr(text, words) && !strncmp(text, "anchorage: import: ", 19);
        CU_ASSERT(good);
        if (!good) printf("\n    '%s' lacks '%s'\n", text, words);
        free(text);
    }
}

static void a_size_that_nothing_tells_is_named_with_the_remedy(void)
{
    put("lone.txt", "a/b.jpg\n1\n1 2 3 4\n");
    is_refused(
        "lone.txt",
        "lone.txt: a/b.jpg: the annotations do not say how large this image is: give the folder of the "
        "pictures with --images DIR, or a table with --sizes FILE");
    put("lone.csv", "ImageID,LabelName,XMin,XMax,YMin,YMax\n00ff,/m/0,0,1,0,1\n");
    put("other-sizes.csv", "00fe,640,480\n");
    is_refused("lone.csv --sizes other-sizes.csv", "lone.csv: 00ff.jpg: ");
    mkdir(check_path("empty-folder"), 0777);
    is_refused("lone.csv --images empty-folder", "no such picture is in empty-folder");
}

static void faults_are_placed_whatever_rank_reads_them(void)
{
    mkdir(check_path("faulty"), 0777);
    for (int k = 0; k < 700; k++) { /* several runs of files */
        char name[64];
        snprintf(name, sizeof name, "faulty/%06d.txt", k);
        put(name, k == 333 || k == 650 ? "Car 0 0 0 1 2 3 4 1 1 1 1 1 1 1\nCar 0 0 0 1 2 3 x 1 1 1 1 1 1 1\n"
                                       : "Car 0 0 0 1 2 3 4 1 1 1 1 1 1 1\n");
    }
    is_refused("faulty", "000333.txt:2: bottom is no number");
}

static void many_files_give_the_same_bytes_on_any_number_of_ranks(void)
{
    check_rng rng = { 21 };
    char name[64], text[4096], *said = NULL;
    static const char *const type[] = { "Van", "Car", "DontCare", "Tram" };
    size_t n_sizes = 0;
    char *sizes = malloc(1000 * 40);
    CU_ASSERT_PTR_NOT_NULL_FATAL(sizes);
    mkdir(check_path("many"), 0777);
    for (int k = 0; k < 1000; k++) {
        size_t n = 0;
        text[0] = '\0';
        for (int left = check_int(&rng, 0, 12); left; left--) {
            double x = check_uniform(&rng) * 1000, y = check_uniform(&rng) * 300;
            n += (size_t)snprintf(text + n, sizeof text - n, "%s 0 %d 0 %.2f %.2f %.2f %.2f 1 1 1 1 1 1 1\n",
                                  type[check_int(&rng, 0, 3)], check_int(&rng, 0, 3), x, y,
                                  x + check_uniform(&rng) * 300, y + check_int(&rng, 0, 3));
        }
        snprintf(name, sizeof name, "many/%06d.txt", k * 7919 % 1000);
        put(name, text);
        n_sizes += (size_t)sprintf(sizes + n_sizes, "%06d %d %d\n", k, 1200 + k % 9, 370 + k % 7);
    }
    check_file("many-sizes.txt", sizes, n_sizes);
    free(sizes);
    for (int ranks = 1; ranks <= 3; ranks++)
        CU_ASSERT_EQUAL(
            check_run(&said,
                      "cd %s && timeout -k 10 120 mpirun -n %d %s import many --sizes many-sizes.txt "
                      "-o many.h5 | grep -v wrote >many-%d.txt && mv many.h5 many-%d.h5",
                      check_dir(), ranks, ANC_BINARY, ranks, ranks),
            0);
    CU_ASSERT_EQUAL(
        check_run(
            &said,
            "cd %s && cmp many-1.h5 many-2.h5 && cmp many-1.h5 many-3.h5 && cmp many-1.txt many-2.txt && "
            "cmp many-1.txt many-3.txt && cat many-1.txt",
            check_dir()),
        0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "1,000 images"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(said, "boxes of no area: many/0")); /* with the first places, the same ones */
    free(said);
}

static void strict_refuses_what_would_be_dropped(void)
{
    put("strict.txt", "a.jpg\n2\n1 2 3 4\n1 2 0 4\n");
    put("strict-sizes.txt", "a.jpg 100 50\n");
    char *text = NULL;
    CU_ASSERT_EQUAL(check_run(&text, "cd %s && %s import strict.txt --sizes strict-sizes.txt -o strict.h5",
                              check_dir(), ANC_BINARY),
                    0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "strict.txt:4"));
    free(text);
    is_refused("strict.txt --sizes strict-sizes.txt --strict", "strict.txt:4");
}

/* Runs a shell line in the folder, $A the program; says: in its output. */
static void shell(int code, const char *line, const char *says)
{
    char *text = NULL;
    int got = check_run(&text, "cd %s && A=%s && %s", check_dir(), ANC_BINARY, line);
    if (got != code || !strstr(text, says)) printf("%s: %d:\n%s", line, got, text);
    CU_ASSERT_EQUAL(got, code);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, says));
    free(text);
}

/* More than a pipe holds, so that it is read in pieces, in each format that is one text file. */
static void annotations_from_standard_input_give_the_bytes_of_the_file(void)
{
    static const char script[] =
        "import json\n"
        "n = 3000\n"
        "box = lambda i: [i % 50, i % 40, 10 + i % 30, 12 + i % 20]\n"
        "json.dump({'images': [{'id': i + 1, 'width': 128, 'height': 96, 'file_name': '%04d.jpg' % i} for i "
        "in range(n)],\n"
        "  'annotations': [{'id': i + 1, 'image_id': i + 1, 'category_id': 1, 'bbox': box(i)} for i in "
        "range(n)],\n"
        "  'categories': [{'id': 1, 'name': 'a'}]}, open('in-coco', 'w'))\n"
        "with open('in-crowdhuman', 'w') as f:\n"
        "  for i in range(n): f.write(json.dumps({'ID': '%04d' % i, 'gtboxes': [{'tag': 'person', 'fbox': "
        "box(i), 'vbox': box(i), "
        "'hbox': box(i), 'extra': {}}]}) + '\\n')\n"
        "with open('in-wider', 'w') as f:\n"
        "  for i in range(n): f.write('%04d.jpg\\n1\\n%d %d %d %d 0 0 0 0 0 0\\n' % (i, *box(i)))\n"
        "with open('in-openimages', 'w') as f:\n"
        "  "
        "f.write('ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,"
        "IsGroupOf\\n')\n"
        "  for i in range(n): f.write('%04d,xclick,/m/a,1,0.25,0.5,0.125,1,0,0,0\\n' % i)\n"
        "with open('in-sizes', 'w') as f:\n"
        "  for i in range(n): f.write('%04d.jpg 128 96\\n' % i)\n";
    static const char *const sets[][2] = { { "coco", "" },
                                           { "crowdhuman", "--sizes in-sizes" },
                                           { "wider", "--sizes in-sizes" },
                                           { "openimages", "--sizes in-sizes" } };
    char line[600];
    snprintf(line, sizeof line, "/usr/bin/python3 %s", check_file("in.py", script, sizeof script - 1));
    shell(0, line, "");
    for (int k = 0; k < 4; k++) {
        snprintf(line, sizeof line,
                 "$A import -q in-%s %s -o in-file.h5 && cat in-%s | $A import -q - %s -o in-pipe.h5 && "
                 "cmp in-file.h5 in-pipe.h5 && $A label -q in-%s %s -o in-t%d && "
                 "cat in-%s | mpirun -n 3 $A label - %s -o in-p%d && diff -r in-t%d in-p%d",
                 sets[k][0], sets[k][1], sets[k][0], sets[k][1], sets[k][0], sets[k][1], k, sets[k][0],
                 sets[k][1], k, k, k);
        shell(0, line, "label: -: 3,000 images, 3,000 boxes (");
    }
    shell(0, "cat in-coco | $A inspect -", "images                3,000");
    shell(0, "cat in-coco | $A verify in-t0 --recompute -", "and the same when labelled again");
    shell(0,
          "rm -f in-fifo; mkfifo in-fifo; cat in-wider > in-fifo & $A import in-fifo --sizes in-sizes -o "
          "in-fifo.h5",
          "(wider): 3,000 images");
}

static void what_standard_input_cannot_be_is_said(void)
{
    shell(1, "$A label - -o in-no < /dev/null", "anchorage: label: -: the file is empty\n");
    shell(1, "cat in-pipe.h5 | $A label - -o in-no",
          "anchorage: label: -: an HDF5 file cannot be read from a pipe: give its name\n");
    shell(1, "echo '<annotation><size></size></annotation>' | $A label - -o in-no",
          "anchorage: label: -: voc cannot be read from a pipe: save it as a file\n");
    shell(1, "head -c 5000 in-coco | mpirun -n 2 $A label - -o in-no", "label: rank 0: -: line 1, column ");
    shell(1, "head -c 300000 in-coco | tr -d '\\n' | $A import - -o in-no.h5", "import: -: line 1, column ");
    shell(0, "! test -e in-no && ! test -e in-no.h5", "");
}

CHECK_SUITE("import-text", CHECK(annotations_from_standard_input_give_the_bytes_of_the_file),
            CHECK(what_standard_input_cannot_be_is_said), CHECK(open_images_by_table_and_class_descriptions),
            CHECK(wider_face_by_pictures), CHECK(crowdhuman_by_json_sizes_and_kind_of_box),
            CHECK(kitti_by_the_pictures_beside_its_labels),
            CHECK(visdrone_by_the_pictures_beside_its_annotations),
            CHECK(a_size_that_nothing_tells_is_named_with_the_remedy),
            CHECK(faults_are_placed_whatever_rank_reads_them),
            CHECK(many_files_give_the_same_bytes_on_any_number_of_ranks),
            CHECK(strict_refuses_what_would_be_dropped));
