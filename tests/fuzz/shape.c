/* tests/fuzz/shape.c: see shape.h */
#include "tests/fuzz/shape.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

unsigned shape_take(shape_stream *s) { return s->at < s->end ? *s->at++ : 0; }

static uint64_t take_word(shape_stream *s)
{
    uint64_t x = 0;
    for (int k = 0; k < 8; k++) x = x << 8 | shape_take(s);
    return x;
}

/* A number that checks tend to forget. */
static double odd_value(shape_stream *s)
{
    static const double odd[] = {
        0,           -1,   1,     2,    NAN,   INFINITY, -INFINITY, 2147483647., -2147483648.,
        4294967296., 1e18, -1e18, 1e30, 1e-40, 65536,    1e9,       1000001,     9007199254740993.
    };
    unsigned i = shape_take(s);
    return i < sizeof odd / sizeof *odd ? odd[i] : (double)i - 128;
}

static double clamped(double x, double low, double high) { return !(x >= low) ? low : x > high ? high : x; }

static void put_number(void *to, anc_h5_type type, double x)
{
    switch (type) {
    case ANC_H5_I8: *(int8_t *)to = (int8_t)clamped(x, -128, 127); break;
    case ANC_H5_U8: *(uint8_t *)to = (uint8_t)clamped(x, 0, 255); break;
    case ANC_H5_I32: *(int32_t *)to = (int32_t)clamped(x, INT32_MIN, INT32_MAX); break;
    case ANC_H5_U32: *(uint32_t *)to = (uint32_t)clamped(x, 0, UINT32_MAX); break;
    case ANC_H5_I64: *(int64_t *)to = x >= 0x1p63 ? INT64_MAX : (int64_t)clamped(x, -0x1p63, 0x1p62); break;
    case ANC_H5_U64: *(uint64_t *)to = (uint64_t)clamped(x, 0, 0x1p63); break;
    case ANC_H5_F16: *(uint16_t *)to = x == 0 ? 0 : 0x3c00; break; /* 0 or 1 */
    case ANC_H5_F32: *(float *)to = fabs(x) > 1e38 ? (float)copysign(INFINITY, x) : (float)x; break;
    case ANC_H5_F64: *(double *)to = x; break;
    }
}

/* ---- types ---- */

static hid_t other_type(shape_stream *s)
{
    hid_t a, b;
    unsigned k = shape_take(s) % 18;
    if (k < 9) return anc_h5_type_id((anc_h5_type)k);
    switch (k) {
    case 9: return H5Tcopy(H5T_STD_I32BE);
    case 10: return H5Tcopy(H5T_IEEE_F64BE);
    case 11:
        a = H5Tcopy(H5T_C_S1);
        H5Tset_size(a, 1 + shape_take(s));
        return a;
    case 12:
        a = H5Tcopy(H5T_C_S1);
        H5Tset_size(a, H5T_VARIABLE);
        return a;
    case 13: return H5Tcreate(H5T_OPAQUE, 1 + shape_take(s));
    case 14:
        a = H5Tcreate(H5T_COMPOUND, 16);
        H5Tinsert(a, "x", 0, H5T_NATIVE_INT);
        return a;
    case 15: return H5Tvlen_create(H5T_NATIVE_INT);
    case 16: return H5Tcopy(H5T_STD_REF_OBJ);
    default:
        b = H5Tcopy(H5T_NATIVE_INT);
        a = H5Tenum_create(b);
        H5Tclose(b);
        H5Tenum_insert(a, "zero", &(int){ 0 });
        return a;
    }
}

/* Integers of odd widths and precisions, floats with odd fields. */
static hid_t bent_type(anc_h5_type type, shape_stream *s)
{
    hid_t id = anc_h5_type_id(type);
    unsigned k = shape_take(s);
    if (H5Tget_class(id) == H5T_INTEGER) {
        if (k & 1) H5Tset_order(id, H5T_ORDER_BE);
        if (k & 2) H5Tset_sign(id, k & 4 ? H5T_SGN_NONE : H5T_SGN_2);
        if (k & 8) H5Tset_size(id, 1 + (k >> 4));
        if (k & 128) H5Tset_precision(id, 1 + k % 7);
    } else {
        if (k & 1) H5Tset_order(id, H5T_ORDER_BE);
        if (k & 2) H5Tset_ebias(id, k * 31);
    }
    return id;
}

/* ---- datasets ---- */

static void make_group(hid_t file, const char *object, int whole)
{
    char path[128];
    for (const char *at = object + 1;; at++) {
        if (*at == '/' || (!*at && whole)) {
            memcpy(path, object, (size_t)(at - object));
            path[at - object] = '\0';
            if (path[1] && H5Lexists(file, path, H5P_DEFAULT) == 0) {
                hid_t g = H5Gcreate2(file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
                if (g >= 0) H5Gclose(g);
            }
        }
        if (!*at) return;
    }
}

/* How a dataset is to be bent; zeroed: not at all. */
typedef struct {
    hid_t type; /* 0: the item's */
    int rank;
    hsize_t dims[H5S_MAX_RANK], most[H5S_MAX_RANK];
    hid_t dcpl;
    int unwritten; /* no values are stored */
    unsigned patches;
    int null_space;
} bend;

static void bend_extent(bend *b, shape_stream *s)
{
    unsigned k = shape_take(s), how = shape_take(s);
    hsize_t *d = &b->dims[k % (b->rank ? (unsigned)b->rank : 1)];
    if (how < 64)
        *d = how;
    else if (how < 128)
        *d += how - 64;
    else
        *d = (hsize_t)1 << how % 63, b->unwritten = 1;
}

static void bend_layout(bend *b, shape_stream *s)
{
    hsize_t chunk[H5S_MAX_RANK];
    unsigned how = shape_take(s);
    for (int k = 0; k < b->rank; k++) {
        unsigned c = shape_take(s);
        chunk[k] = c < 128 ? 1 + c : (hsize_t)1 << c % 33;
        b->most[k] = H5S_UNLIMITED;
    }
    if (how % 8 == 7) {
        H5Pset_layout(b->dcpl, H5D_COMPACT);
        for (int k = 0; k < b->rank; k++) b->most[k] = b->dims[k];
        return;
    }
    if (how % 8 == 6) { /* bytes of another file */
        for (int k = 0; k < b->rank; k++) b->most[k] = b->dims[k];
        H5Pset_external(b->dcpl, how & 8 ? "/dev/zero" : "/etc/passwd", (off_t)shape_take(s),
                        (hsize_t)1 << shape_take(s) % 50);
        b->unwritten = 1;
        return;
    }
    if (b->rank) H5Pset_chunk(b->dcpl, b->rank, chunk);
    if (how & 16) H5Pset_shuffle(b->dcpl);
    if (how & 32) H5Pset_deflate(b->dcpl, 6);
    if (how & 64) H5Pset_fletcher32(b->dcpl);
    if (how & 128) H5Pset_scaleoffset(b->dcpl, H5Z_SO_INT, 0);
    if (how % 8 == 5) H5Pset_nbit(b->dcpl);
    /* What HDF5 cannot write crashes it; these are to be read. */
    hsize_t bytes = 8;
    for (int k = 0; k < b->rank; k++) bytes *= chunk[k] < 1 << 20 ? chunk[k] : 1 << 20;
    if (how % 8 == 4 || how % 8 == 5 || how & 128 || bytes > 1 << 20) b->unwritten = 1;
}

static void bend_virtual(bend *b, const shape_item *item, shape_stream *s)
{
    static const char *const files[] = { ".", "none.h5", "%b.h5", "/dev/null" };
    unsigned n = 1 + shape_take(s) % 3;
    for (unsigned i = 0; i < n && b->rank; i++) {
        hsize_t start[H5S_MAX_RANK] = { 0 }, count[H5S_MAX_RANK], from[H5S_MAX_RANK];
        unsigned how = shape_take(s);
        for (int k = 0; k < b->rank; k++) from[k] = count[k] = b->dims[k];
        start[0] = shape_take(s) % 8;
        count[0] = from[0] = shape_take(s) % 8;
        if (start[0] + count[0] > b->dims[0]) continue;
        hid_t to = H5Screate_simple(b->rank, b->dims, NULL), source = H5Screate_simple(b->rank, from, NULL);
        H5Sselect_hyperslab(to, H5S_SELECT_SET, start, NULL, count, NULL);
        H5Pset_virtual(b->dcpl, to, files[how % 4], how & 4 ? item->object : "/images/id", source);
        H5Sclose(to);
        H5Sclose(source);
    }
    b->unwritten = 1;
}

/* A link of the item's name instead of a dataset. */
static void link_instead(hid_t file, const shape_item *item, const char *before, shape_stream *s)
{
    switch (shape_take(s) % 5) {
    case 0: make_group(file, item->object, 1); break;
    case 1: H5Lcreate_soft(item->object, file, item->object, H5P_DEFAULT, H5P_DEFAULT); break;
    case 2: H5Lcreate_soft("/nowhere", file, item->object, H5P_DEFAULT, H5P_DEFAULT); break;
    case 3: H5Lcreate_external("none.h5", item->object, file, item->object, H5P_DEFAULT, H5P_DEFAULT); break;
    default:
        if (before) H5Lcreate_hard(file, before, file, item->object, H5P_DEFAULT, H5P_DEFAULT);
        break;
    }
}

static void map_shards(bend *b, const shape_item *item, shape_stream *s, unsigned bent)
{
    hsize_t start[H5S_MAX_RANK] = { 0 }, count[H5S_MAX_RANK];
    for (int k = 0; k < b->rank; k++) count[k] = b->dims[k];
    for (int i = 0; i < item->n_maps; i++) {
        hsize_t at[H5S_MAX_RANK];
        const char *name = item->map[i];
        count[0] = (hsize_t)item->rows[i];
        memcpy(at, start, sizeof at);
        start[0] += count[0];
        unsigned how = bent ? shape_take(s) : 0;
        if (how & 1) name = item->map[0];
        if (how & 2) at[0] = shape_take(s) % 4;
        if (how & 4 || at[0] + count[0] > b->dims[0]) continue; /* HDF5 crashes writing what lies outside */
        hid_t to = H5Screate_simple(b->rank, b->dims, NULL), from = H5Screate_simple(b->rank, count, NULL);
        if (how & 8)
            H5Sselect_all(to);
        else
            H5Sselect_hyperslab(to, H5S_SELECT_SET, at, NULL, count, NULL);
        H5Pset_virtual(b->dcpl, to, name, how & 16 ? "/views/flip" : item->object, from);
        H5Sclose(to);
        H5Sclose(from);
    }
    b->unwritten = 1;
}

/* The values, patched, in memory of the item's type, or bytes of the stream for a type that is not. */
static void *values_of(const shape_item *item, const bend *b, hsize_t n, size_t bytes, shape_stream *s)
{
    char *data = calloc((size_t)n + 1, bytes > 64 ? bytes : 64);
    size_t size = anc_h5_type_bytes(item->type);
    if (b->type > 0) {
        for (size_t i = 0; i < (size_t)n * bytes && s->at < s->end && i < 64; i++)
            data[i] = (char)shape_take(s);
        return data;
    }
    for (hsize_t i = 0; i < n; i++) put_number(data + i * size, item->type, item->value((int64_t)i));
    for (unsigned p = 0; p < b->patches && n; p++) {
        unsigned at = shape_take(s);
        char *to = data + (at % n) * size;
        if (shape_take(s) & 1) {
            uint64_t word = take_word(s);
            memcpy(to, &word, size);
        } else {
            put_number(to, item->type, odd_value(s));
        }
    }
    return data;
}

static void write_values(hid_t id, const shape_item *item, const bend *b, hid_t type, shape_stream *s)
{
    enum { MOST = 1 << 16 };
    hsize_t n = 1;
    for (int k = 0; k < b->rank; k++) n = b->dims[k] && n > MOST / b->dims[k] ? MOST + 1 : n * b->dims[k];
    H5T_class_t class = H5Tget_class(type);
    if (n > MOST || class == H5T_VLEN || class == H5T_REFERENCE || H5Tis_variable_str(type) > 0) return;
    void *data = values_of(item, b, n, H5Tget_size(type), s);
    if (b->type > 0 || item->kind == SHAPE_NAMES)
        H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    else {
        hid_t memory = anc_h5_type_id(item->type);
        H5Dwrite(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
        H5Tclose(memory);
    }
    free(data);
}

static void write_dataset(hid_t file, const shape_item *item, const char *before, shape_stream *s)
{
    bend b = { .rank = item->rank, .dcpl = H5Pcreate(H5P_DATASET_CREATE) };
    unsigned how = shape_take(s);
    for (int k = 0; k < item->rank; k++) b.dims[k] = b.most[k] = (hsize_t)item->dims[k];
    hid_t stored = 0; /* of the item's values, otherwise laid out */
    make_group(file, item->object, 0);
    switch (how % 13) {
    case 1: H5Pclose(b.dcpl); return;
    case 2: b.type = other_type(s); break;
    case 3:
        b.rank = (int)(shape_take(s) % 6);
        for (int k = item->rank; k < b.rank; k++) b.dims[k] = b.most[k] = 1 + shape_take(s) % 4;
        break;
    case 4:
        bend_extent(&b, s);
        for (int k = 0; k < b.rank; k++) b.most[k] = b.dims[k];
        break;
    case 5: b.patches = 1 + shape_take(s) % 8; break;
    case 6: bend_layout(&b, s); break;
    case 7:
        if (!item->n_maps) bend_virtual(&b, item, s);
        break;
    case 8:
        link_instead(file, item, before, s);
        H5Pclose(b.dcpl);
        return;
    case 9:
        b.null_space = 1;
        b.unwritten = 1;
        break;
    case 10: stored = bent_type(item->type, s); break;
    case 11:
        bend_extent(&b, s);
        bend_layout(&b, s);
        break;
    default: break;
    }
    if (item->n_maps && b.rank && !b.null_space && how % 13 != 6 && how % 13 != 11)
        map_shards(&b, item, s, how % 13 == 12);
    hid_t type = b.type > 0 ? b.type : stored > 0 ? stored : anc_h5_type_id(item->type);
    hid_t space = b.null_space ? H5Screate(H5S_NULL)
                  : b.rank     ? H5Screate_simple(b.rank, b.dims, b.most)
                               : H5Screate(H5S_SCALAR);
    hid_t id = H5Dcreate2(file, item->object, type, space, H5P_DEFAULT, b.dcpl, H5P_DEFAULT);
    if (id >= 0 && !b.unwritten) write_values(id, item, &b, type, s);
    if (id >= 0) H5Dclose(id);
    if (space >= 0) H5Sclose(space);
    H5Pclose(b.dcpl);
    H5Tclose(type);
}

/* Names: of fixed or variable length, ended or not. */
static void write_names(hid_t file, const shape_item *item, shape_stream *s)
{
    unsigned how = shape_take(s);
    size_t bytes = how & 2 ? 1 + shape_take(s) : item->map ? 32 : 8;
    hsize_t n = (hsize_t)item->dims[0] + (how & 4 ? shape_take(s) % 4 : 0);
    if (how & 8) return;
    make_group(file, item->object, 0);
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &n, NULL);
    H5Tset_size(type, how & 1 ? H5T_VARIABLE : bytes);
    H5Tset_strpad(type, how & 16 ? H5T_STR_SPACEPAD : how & 32 ? H5T_STR_NULLTERM : H5T_STR_NULLPAD);
    hid_t id = H5Dcreate2(file, item->object, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    char *text = calloc((size_t)n + 1, bytes), *each[64] = { 0 }, word[64][9];
    for (hsize_t i = 0; i < n; i++) {
        for (size_t k = 0; k < (how ? bytes : 1); k++)
            text[i * bytes + k] = (char)(how & 64 ? shape_take(s) : 'a' + i);
        size_t length = item->map && i < (hsize_t)item->n_maps && !(how & 64) ? strlen(item->map[i]) : 0;
        memcpy(text + i * bytes, length ? item->map[i] : "", length < bytes ? length : bytes);
        memset(word[i % 64], 'b', 8);
        word[i % 64][8] = '\0';
        each[i % 64] = how & 128 && i == 1 ? NULL : word[i % 64];
    }
    if (id >= 0 && n <= 64)
        H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, how & 1 ? (void *)each : (void *)text);
    if (id >= 0) H5Dclose(id);
    H5Sclose(space);
    H5Tclose(type);
    free(text);
}

/* ---- attributes ---- */

static void write_text_attribute(hid_t object, const shape_item *item, hid_t space, unsigned how,
                                 shape_stream *s)
{
    size_t n = strlen(item->text);
    char *text = calloc(1, n + 300), *other = text;
    memcpy(text, item->text, n);
    if (how % 8 == 5) { /* some of the text otherwise, or more of it */
        unsigned k = 1 + shape_take(s) % 16;
        for (unsigned i = 0; i < k; i++) {
            size_t at = shape_take(s) * (n / 200 + 1);
            text[at < n ? at : n++] = (char)shape_take(s);
        }
    }
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, how % 8 == 6 ? H5T_VARIABLE : n ? n : 1);
    if (how & 32) other = NULL;
    hid_t id = H5Acreate2(object, item->attribute, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (id >= 0 && (how % 8 != 7)) H5Awrite(id, type, how % 8 == 6 ? (void *)&other : (void *)text);
    if (id >= 0) H5Aclose(id);
    H5Tclose(type);
    free(text);
}

static void write_attribute(hid_t file, const shape_item *item, shape_stream *s)
{
    unsigned how = shape_take(s);
    if (how % 8 == 1) return;
    if (H5Lexists(file, item->object, H5P_DEFAULT) == 0) make_group(file, item->object, 1);
    hid_t object = H5Oopen(file, item->object, H5P_DEFAULT);
    if (object < 0) return;
    hsize_t dims = 1 + how / 8 % 4;
    hid_t space =
        how % 8 == 2 ? H5Screate_simple(1, &dims, NULL) : H5Screate(how % 8 == 3 ? H5S_NULL : H5S_SCALAR);
    char value[64 * 300] = "";
    int text = item->kind == SHAPE_TEXT;
    if (text && how % 8 != 4 && how % 8 != 2) {
        write_text_attribute(object, item, space, how, s);
    } else {
        anc_h5_type own = item->kind == SHAPE_INT ? ANC_H5_I64 : ANC_H5_F64;
        hid_t type = how % 8 == 4 ? other_type(s) : text ? H5Tcopy(H5T_C_S1) : anc_h5_type_id(own);
        put_number(value, own, how % 8 == 5 ? odd_value(s) : item->value ? item->value(0) : 0);
        hid_t id = H5Acreate2(object, item->attribute, type, space, H5P_DEFAULT, H5P_DEFAULT);
        H5T_class_t class = H5Tget_class(type);
        if (id >= 0 && class != H5T_VLEN && class != H5T_REFERENCE && H5Tis_variable_str(type) <= 0)
            H5Awrite(id, type, value);
        if (id >= 0) H5Aclose(id);
        H5Tclose(type);
    }
    H5Sclose(space);
    H5Oclose(object);
}

void shape_write(const char *path, const shape_item *item, int n, shape_stream *s)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    unsigned how = shape_take(s);
    if (how & 1) H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    if (file < 0) abort();
    const char *before = NULL;
    for (int i = 0; i < n; i++) {
        if (item[i].attribute)
            write_attribute(file, &item[i], s);
        else if (item[i].kind == SHAPE_NAMES)
            write_names(file, &item[i], s);
        else
            write_dataset(file, &item[i], before, s);
        if (!item[i].attribute) before = item[i].object;
    }
    H5Fclose(file);
    H5Eclear2(H5E_DEFAULT);
}
