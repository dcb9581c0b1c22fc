"""Which texts run together on a device, and which shapes that makes.  No imports: it is tested without any of the engines."""


def groups(lengths, padded_tokens, ceiling=lambda length: length):
    """Indices of the rows, longest first, in groups whose longest x rows is within the budget; a longer row runs alone.

    ceiling: what a length counts as, for a device that was built for a few lengths only.
    """
    out = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if out and ceiling(lengths[out[-1][0]]) * (len(out[-1]) + 1) <= padded_tokens:
            out[-1].append(row)
        else:
            out.append([row])
    return out


def buckets(padded_tokens, window):
    """(longest, rows) of the shapes that a device is built for: short texts in many rows, the longest in few.

    A device that plans its memory for the largest shape must not be built for many rows of the longest text: the attention scores of
    64 rows of 8,192 are 137 GB in half precision.  Within a bucket no group is larger than its shape.
    """
    return [(longest, max(1, padded_tokens // longest)) for longest in sorted({min(1024, window), min(4096, window), window})]


def bucket_of(length, shapes):
    """Longest of the first bucket that takes the length."""
    return next(longest for longest, _ in shapes if length <= longest)
