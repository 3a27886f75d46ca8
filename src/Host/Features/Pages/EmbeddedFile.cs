using System.Reflection;

namespace Weir.Host.Features.Pages;

/// <summary>A file in the assembly.</summary>
internal static class EmbeddedFile
{
    public static byte[] Load(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is missing from the assembly.");
        using MemoryStream copy = new();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
