using System.Diagnostics.CodeAnalysis;

namespace Weir.Transports;

/// <summary>The reader of a <see cref="LoopReader"/>. The engine's connections are such.</summary>
[Experimental("WEIR001")]
public interface IInputOwner
{
    /// <summary>
    /// Called on the connection's thread when there is input, after a read that found none. It must not block, nor throw.
    /// </summary>
    /// <param name="input">The reader that has input.</param>
    void OnInput(LoopReader input);
}
