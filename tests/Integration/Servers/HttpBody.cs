using System.Globalization;
using System.Text;
using Weir.Testing;

namespace Weir.Integration.Servers;

/// <summary>Bodies of HTTP responses on a <see cref="RawClient"/>.</summary>
internal static class HttpBody
{
    /// <summary>Reads exactly the body that <paramref name="response"/> announces: the connection can be used on.</summary>
    public static async Task<string> ReadAsync(RawClient client, RawResponse response)
    {
        if (response.Header("Content-Length") is [var length])
        {
            return Encoding.UTF8.GetString(await client.ReadBytesAsync(int.Parse(length, CultureInfo.InvariantCulture)));
        }

        StringBuilder body = new();
        while (true)
        {
            int size = int.Parse(await ReadLineAsync(client), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body.Append(Encoding.UTF8.GetString(await client.ReadBytesAsync(size)));
            await ReadLineAsync(client);
            if (size == 0)
            {
                return body.ToString();
            }
        }
    }

    private static async Task<string> ReadLineAsync(RawClient client)
    {
        StringBuilder line = new();
        while (line.Length < 2 || line[^1] != '\n')
        {
            line.Append((char)(await client.ReadBytesAsync(1))[0]);
        }

        return line.ToString(0, line.Length - 2);
    }
}
