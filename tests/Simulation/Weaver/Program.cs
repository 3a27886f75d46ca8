using Mono.Cecil;
using Mono.Cecil.Cil;

// Redirects the calls by which the product gives work to the thread pool, or draws random numbers, to the static methods of
// one class of the simulation: in copies of the product's assemblies, next to the simulation. Everything else is left as
// it was compiled.
//   Weaver FOLDER HOOKS-ASSEMBLY HOOKS-TYPE ASSEMBLY...
string folder = args[0];
using DefaultAssemblyResolver resolver = new();
resolver.AddSearchDirectory(folder);
resolver.AddSearchDirectory(Path.GetDirectoryName(typeof(object).Assembly.Location));
ReaderParameters reading = new() { AssemblyResolver = resolver, InMemory = true };
using ModuleDefinition hooks = ModuleDefinition.ReadModule(Path.Combine(folder, args[1]), reading);
Dictionary<string, MethodDefinition> replacements = hooks.GetType(args[2]).Methods
    .Where(static method => method.IsPublic)
    .ToDictionary(static method => KeyOf(method.Name, method.Parameters.Select(static parameter => parameter.ParameterType)));
foreach (string name in args.Skip(3))
{
    string path = Path.Combine(folder, name);
    using ModuleDefinition module = ModuleDefinition.ReadModule(path, reading);
    int redirected = 0;
    foreach (MethodDefinition method in module.GetTypes().SelectMany(static type => type.Methods).Where(static method => method.HasBody))
    {
        foreach (Instruction instruction in method.Body.Instructions)
        {
            if (instruction.OpCode.FlowControl == FlowControl.Call && instruction.Operand is MethodReference called
                && Find(called) is { } replacement)
            {
                instruction.OpCode = OpCodes.Call;
                instruction.Operand = Instantiate(module.ImportReference(replacement), called);
                redirected++;
            }
        }
    }

    module.Write(path);
    Console.WriteLine($"{name}: {redirected} calls go to the simulation.");
}

return 0;

// The replacement takes the object as its first parameter, by reference if it is a value.
MethodDefinition? Find(MethodReference called)
{
    TypeReference owner = called.DeclaringType.GetElementType();
    if (owner.Namespace is not ("System" or "System.Threading" or "System.Threading.Tasks" or "System.Security.Cryptography"))
    {
        return null;
    }

    IEnumerable<TypeReference> parameters = called.Parameters.Select(static parameter => parameter.ParameterType);
    if (called.HasThis)
    {
        parameters = parameters.Prepend(called.DeclaringType.IsValueType
            ? new ByReferenceType(called.DeclaringType) : called.DeclaringType);
    }

    return replacements.GetValueOrDefault(KeyOf(called.HasThis ? called.Name : owner.Name + "_" + called.Name, parameters));
}

static string KeyOf(string name, IEnumerable<TypeReference> parameters)
    => name + "(" + string.Join(",", parameters.Select(TextOf)) + ")";

// Without the arguments of generic types: no two methods here differ in those alone.
static string TextOf(TypeReference type) => type switch
{
    ByReferenceType reference => TextOf(reference.ElementType) + "&",
    GenericInstanceType instance => instance.ElementType.FullName,
    GenericParameter => "T",
    _ => type.FullName,
};

static MethodReference Instantiate(MethodReference replacement, MethodReference called)
{
    if (!replacement.HasGenericParameters)
    {
        return replacement;
    }

    GenericInstanceMethod instance = new(replacement);
    IEnumerable<TypeReference> arguments = called is GenericInstanceMethod generic
        ? generic.GenericArguments
        : ((GenericInstanceType)called.DeclaringType).GenericArguments;
    foreach (TypeReference argument in arguments)
    {
        instance.GenericArguments.Add(argument);
    }

    return instance;
}
