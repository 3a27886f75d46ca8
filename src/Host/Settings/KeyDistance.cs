namespace Weir.Host.Settings;

/// <summary>How different two keys of a configuration are.</summary>
internal static class KeyDistance
{
    /// <summary>
    /// Returns the key without what is easily mistaken: upper case, separators, and the numbers of a list's entries.
    /// </summary>
    public static string Simplify(string key)
        => string.Concat(key.Split(':').Where(static part => part != "<n>" && !part.All(char.IsAsciiDigit))
            .SelectMany(static part => part.Where(char.IsLetterOrDigit))).ToUpperInvariant();

    /// <summary>
    /// Returns the optimal string alignment distance: the least number of letters inserted, deleted, replaced or swapped with their
    /// neighbour.
    /// </summary>
    public static int Between(string a, string b)
    {
        // Three rows of the usual table, as a swap looks two rows back.
        int[] beforeLast = new int[b.Length + 1];
        int[] last = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int[] row = new int[b.Length + 1];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int change = a[i - 1] == b[j - 1] ? 0 : 1;
                row[j] = Math.Min(Math.Min(last[j] + 1, row[j - 1] + 1), last[j - 1] + change);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    row[j] = Math.Min(row[j], beforeLast[j - 2] + 1);
                }
            }

            (beforeLast, last) = (last, row);
        }

        return last[b.Length];
    }
}
