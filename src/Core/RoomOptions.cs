using System.Text;

namespace Weir;

/// <summary>The limits of a <see cref="RoomDirectory"/>.</summary>
public sealed class RoomOptions
{
    private int _maxRoomsPerConnection = 1000;
    private int _maxNameBytes = 255;

    /// <summary>The most rooms one connection may be in; default 1,000. 0: any number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MaxRoomsPerConnection
    {
        get => _maxRoomsPerConnection;
        set => _maxRoomsPerConnection = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>The longest name of a room, in bytes of UTF-8; default 255. 0: any length.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MaxNameBytes
    {
        get => _maxNameBytes;
        set => _maxNameBytes = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>Whether a room may have this name: not empty, and not too long.</summary>
    public bool Allows(string name) => !string.IsNullOrEmpty(name) && (MaxNameBytes == 0 || Encoding.UTF8.GetByteCount(name) <= MaxNameBytes);
}
