using System.Reflection;
using System.Reflection.Emit;

namespace Weir.Integration.Layers;

/// <summary>Which namespaces of an assembly use which others: by base types, members, signatures, locals and the code of methods.</summary>
internal static class NamespaceGraph
{
    private const BindingFlags Own = BindingFlags.DeclaredOnly
        | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    private static readonly Dictionary<int, OpCode> _opCodes = typeof(OpCodes).GetFields()
        .Select(static field => (OpCode)field.GetValue(null)!).ToDictionary(static code => code.Value & 0xFFFF);

    /// <summary>Returns each namespace with those that it uses and an example of each use.</summary>
    public static SortedDictionary<string, SortedDictionary<string, string>> Of(Assembly assembly)
    {
        SortedDictionary<string, SortedDictionary<string, string>> graph = new(StringComparer.Ordinal);
        foreach (Type type in assembly.GetTypes())
        {
            if (type.Namespace is not { } user || IsGenerated(type))
            {
                continue;
            }

            SortedDictionary<string, string> uses = graph.TryGetValue(user, out SortedDictionary<string, string>? known)
                ? known : graph[user] = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (Type used in UsedBy(type).SelectMany(Parts))
            {
                if (used.Assembly == assembly && used.Namespace is { } other && other != user && !IsGenerated(used))
                {
                    uses.TryAdd(other, $"{type.FullName} uses {used.FullName}");
                }
            }
        }

        return graph;
    }

    // By the compiler, or by a source generator into a namespace of .NET.
    private static bool IsGenerated(Type type) => type.Namespace?.StartsWith("Weir", StringComparison.Ordinal) != true;

    private static IEnumerable<Type> UsedBy(Type type)
        => [.. new[] { type.BaseType }.OfType<Type>(), .. type.GetInterfaces(),
            .. type.GetFields(Own).Select(static field => field.FieldType),
            .. type.GetMethods(Own).Concat<MethodBase>(type.GetConstructors(Own)).SelectMany(UsedBy)];

    private static IEnumerable<Type> UsedBy(MethodBase method)
    {
        IEnumerable<Type> signature = method.GetParameters().Select(static parameter => parameter.ParameterType);
        signature = method is MethodInfo { ReturnType: var result } ? signature.Append(result) : signature;
        return method.GetMethodBody() is not { } body ? signature
            : [.. signature, .. body.LocalVariables.Select(static local => local.LocalType), .. Named(method, body.GetILAsByteArray()!)];
    }

    // ECMA-335 III: an operation is one byte, or two that begin with 0xFE; a token of metadata follows where it names something.
    private static IEnumerable<Type> Named(MethodBase method, byte[] code)
    {
        for (int at = 0; at < code.Length;)
        {
            OpCode operation = _opCodes[code[at] == 0xFE ? 0xFE00 | code[at + 1] : code[at]];
            at += operation.Size;
            if (operation.OperandType is OperandType.InlineMethod
                or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
            {
                MemberInfo? named = method.Module.ResolveMember(
                    BitConverter.ToInt32(code, at), method.DeclaringType!.GetGenericArguments(),
                    method.IsGenericMethod ? method.GetGenericArguments() : null);
                yield return named as Type ?? named!.DeclaringType!;
            }

            at += operation.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }

    private static IEnumerable<Type> Parts(Type type)
        => type.HasElementType ? Parts(type.GetElementType()!)
            : type.IsGenericParameter ? []
            : type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition())
            : [type];
}
