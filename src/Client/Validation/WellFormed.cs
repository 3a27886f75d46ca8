namespace Weir.Client.Validation;

/// <summary>Checks that text can be encoded as UTF-8.</summary>
internal static class WellFormed
{
    /// <summary>Whether every surrogate has its other half.</summary>
    public static bool Is(string text)
    {
        for (int n = 0; n < text.Length; n++)
        {
            if (!char.IsSurrogate(text[n]))
            {
                continue;
            }

            if (n + 1 == text.Length || !char.IsSurrogatePair(text[n], text[n + 1]))
            {
                return false;
            }

            n++;
        }

        return true;
    }
}
