using System.Globalization;
using System.Text;

namespace Weir.Client.Centrifugo;

/// <summary>Resolves JSON escapes (RFC 8259, section 7) in text that a JSON reader has validated.</summary>
internal static class JsonEscapes
{
    /// <summary>Returns the text without escapes; half of a surrogate pair stays as it is.</summary>
    public static string Resolve(string text)
    {
        StringBuilder result = new(text.Length);
        for (int n = 0; n < text.Length; n++)
        {
            if (text[n] != '\\')
            {
                result.Append(text[n]);
                continue;
            }

            char kind = text[++n];
            if (kind == 'u')
            {
                result.Append((char)ushort.Parse(text.AsSpan(n + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                n += 4;
                continue;
            }

            result.Append(kind switch
            {
                'b' => '\b',
                'f' => '\f',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                _ => kind,
            });
        }

        return result.ToString();
    }
}
