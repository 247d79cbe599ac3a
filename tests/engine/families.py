"""Forty chat templates, each with the features of a family of models: what it refuses, leaves out and insists on.

They were written for the tests. The names say whose habits they have.
"""

# ruff: noqa: E501 - a template's line reads better whole

from __future__ import annotations

_REFUSES_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
_TURNS = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% endfor %}"
)
_CALLS_JSON = (
    "{% for c in m.tool_calls or [] %}<tool_call>\n"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}\n</tool_call>{% endfor %}'
)
_CHATML = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
_ASSISTANT = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
_TYPED = "{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}"
_LAST_QUESTION = (
    "{% set ns = namespace(last=-1) %}{% for m in messages %}{% if m.role == 'user' %}"
    "{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
)


def _each(body: str, before: str = "", after: str = "") -> str:
    return f"{before}{{% for m in messages %}}{body}{{% endfor %}}{after}"


FAMILIES: dict[str, str] = {
    "ChatML": _each(_CHATML, after=_ASSISTANT),
    "SmolLM2": _each(
        "{% if loop.first and m.role != 'system' %}<|im_start|>system\nYou are helpful.<|im_end|>\n{% endif %}"
        + _CHATML,
        after=_ASSISTANT,
    ),
    "Qwen2.5": _each(
        "{% if m.role == 'tool' %}<|im_start|>user\n<tool_response>\n{{ m.content }}\n</tool_response><|im_end|>\n"
        "{% elif m.tool_calls %}<|im_start|>assistant{% if m.content %}\n{{ m.content }}{% endif %}"
        + _CALLS_JSON
        + "<|im_end|>\n{% else %}"
        + _CHATML
        + "{% endif %}",
        before="{% if tools %}<tools>{% for t in tools %}\n{{ t | tojson }}{% endfor %}</tools>{% endif %}",
        after=_ASSISTANT,
    ),
    "Qwen3": _each(
        "{% set thought = m.reasoning_content if m.reasoning_content is string else '' %}"
        "{% if m.role == 'assistant' %}<|im_start|>assistant\n"
        "{% if loop.index0 > ns.last and thought %}<think>\n{{ thought.strip('\\n') }}\n</think>\n\n{% endif %}"
        "{{ m.content.split('</think>')[-1].lstrip('\\n') }}" + _CALLS_JSON + "<|im_end|>\n{% elif m.role == 'tool' %}"
        "{% if loop.first or messages[loop.index0 - 1].role != 'tool' %}<|im_start|>user{% endif %}"
        "\n<tool_response>\n{{ m.content }}\n</tool_response>"
        "{% if loop.last or messages[loop.index0 + 1].role != 'tool' %}<|im_end|>\n{% endif %}"
        "{% else %}" + _CHATML + "{% endif %}",
        before=_LAST_QUESTION,
        after="{% if add_generation_prompt %}<|im_start|>assistant\n"
        "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}",
    ),
    "Qwen3 Thinking": _each(
        "{% if m.role == 'assistant' %}<|im_start|>assistant\n{{ m.content.split('</think>')[-1] }}<|im_end|>\n"
        "{% else %}" + _CHATML + "{% endif %}",
        after="{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}",
    ),
    "Qwen3 Coder": _each(
        "{% if m.tool_calls %}<|im_start|>assistant\n{{ m.content }}{% for c in m.tool_calls %}"
        "<tool_call>\n<function={{ c.function.name }}>\n{% for key, value in c.function.arguments | items %}"
        "<parameter={{ key }}>\n{{ value if value is string else value | tojson }}\n</parameter>\n{% endfor %}"
        "</function>\n</tool_call>{% endfor %}<|im_end|>\n"
        "{% elif m.role == 'tool' %}<|im_start|>user\n<tool_response>{{ m.content }}</tool_response><|im_end|>\n"
        "{% else %}" + _CHATML + "{% endif %}",
        after=_ASSISTANT,
    ),
    "Llama 2": "{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0].content %}"
    "{% else %}{% set rest = messages %}{% set system = '' %}{% endif %}{% for m in rest %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if m.role == 'user' %}{{ bos_token }}[INST] "
    "{{ ('<<SYS>>\n' + system + '\n<</SYS>>\n\n' if loop.first and system else '') + m.content.strip() }} [/INST]"
    "{% else %} {{ m.content.strip() }} {{ eos_token }}{% endif %}{% endfor %}",
    "Llama 3": "{{ bos_token }}"
    + _each(
        "<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>",
        after="{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
    ),
    "Llama 3.1": "{{ bos_token }}{{ strftime_now('%d %b %Y') }}"
    + _each(
        "{% if m.tool_calls %}{% if m.tool_calls | length != 1 %}"
        "{{ raise_exception('This model only supports single tool-calls at once!') }}{% endif %}"
        "{% set call = m.tool_calls[0].function %}<|start_header_id|>assistant<|end_header_id|>\n\n"
        '{"name": "{{ call.name }}", "parameters": {{ call.arguments | tojson }}}<|eot_id|>'
        "{% elif m.role == 'tool' %}<|start_header_id|>ipython<|end_header_id|>\n\n"
        "{% if m.content is mapping or m.content is iterable %}{{ m.content | tojson }}{% endif %}<|eot_id|>"
        "{% else %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>{% endif %}",
        after="{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
    ),
    "Llama 3.2 Vision": _each(
        "<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{% if m.content is string %}{{ m.content }}{% else %}"
        + _TYPED
        + "{% endif %}<|eot_id|>",
    ),
    "Llama 4": _each(
        "<|header_start|>{{ m.role }}<|header_end|>\n\n{% if m.content is string %}{{ m.content }}{% else %}"
        + _TYPED
        + "{% endif %}{% if m.tool_calls %}<|python_start|>"
        "{% for c in m.tool_calls %}{{ c.function.name }}({{ c.function.arguments | tojson(indent=4) }}){% endfor %}"
        "<|python_end|>{% endif %}<|eot|>",
        after="{% if add_generation_prompt %}<|header_start|>assistant<|header_end|>\n\n{% endif %}",
    ),
    "Mistral 7B": _REFUSES_SYSTEM
    + _TURNS
    + _each(
        "{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% elif m.role == 'assistant' %}{{ m.content + eos_token }}"
        "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}",
        before="{{ bos_token }}",
    ),
    "Mistral Nemo": _each(
        "{% if m.role == 'system' %}{{ raise_exception('not here') if not loop.first }}[SYSTEM_PROMPT]{{ m.content }}"
        "[/SYSTEM_PROMPT]{% elif m.role == 'user' %}[INST]{{ m.content }}[/INST]"
        "{% elif m.tool_calls is defined and m.tool_calls is not none %}[TOOL_CALLS]["
        "{% for c in m.tool_calls %}{% if c.id is not defined or c.id | length != 9 %}"
        "{{ raise_exception('Tool call IDs should be alphanumeric strings with length 9!') }}{% endif %}"
        '{{ (c.function | tojson)[:-1] }}, "id": "{{ c.id }}"}{% endfor %}]{{ eos_token }}'
        "{% elif m.role == 'tool' %}[TOOL_RESULTS]{{ m.content }}{% if m.tool_call_id | length != 9 %}"
        "{{ raise_exception('Tool call IDs should be alphanumeric strings with length 9!') }}{% endif %}[/TOOL_RESULTS]"
        "{% else %}{{ m.content }}{{ eos_token }}{% endif %}",
        before="{{ bos_token }}",
    ),
    "Mistral Small 3": _each(
        "{% if m.role == 'system' %}[SYSTEM_PROMPT]{{ m.content if m.content is string else m.content[0].text }}"
        "[/SYSTEM_PROMPT]{% elif m.role == 'user' %}[INST]{% if m.content is string %}{{ m.content }}{% else %}"
        "{% for part in m.content %}{{ part.text }}{% endfor %}{% endif %}[/INST]"
        "{% elif m.role == 'assistant' %}{{ m.content }}{{ eos_token }}"
        "{% else %}{{ raise_exception('Only user, system and assistant roles are supported!') }}{% endif %}",
        before="{{ bos_token }}",
    ),
    "Magistral": _each(
        "{% if m.role == 'system' %}[SYSTEM_PROMPT]{{ m.content }}[/SYSTEM_PROMPT]"
        "{% elif m.role == 'user' %}[INST]{{ m.content }}[/INST]{% else %}{{ m.content }}{{ eos_token }}{% endif %}",
        before="{{ bos_token }}{% if messages[0].role != 'system' %}[SYSTEM_PROMPT]Think like this: [THINK]Your thoughts."
        "[/THINK]Your answer.[/SYSTEM_PROMPT]{% endif %}",
    ),
    "Mistral Small 4": "{% set effort = reasoning_effort if reasoning_effort is defined else 'none' %}"
    "{% if effort not in ['none', 'high'] %}{{ raise_exception('reasoning_effort must be none or high') }}{% endif %}"
    "[MODEL_SETTINGS]{{ effort }}[/MODEL_SETTINGS]"
    + _each(
        "{% if m.role == 'user' %}[INST]{{ m.content }}[/INST]{% elif m.role == 'system' %}[SYSTEM_PROMPT]{{ m.content }}"
        "[/SYSTEM_PROMPT]{% elif m.role == 'tool' %}[TOOL_RESULTS]{{ m.content }}[/TOOL_RESULTS]{% else %}"
        "{{ m.content }}{% for c in m.tool_calls or [] %}[TOOL_CALLS]{{ c.function.name }}[ARGS]"
        "{{ c.function.arguments | tojson }}{% endfor %}{{ eos_token }}{% endif %}"
    ),
    "Gemma 2": _REFUSES_SYSTEM
    + _TURNS
    + _each(
        "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n",
        before="{{ bos_token }}",
        after="{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
    ),
    "Gemma 3": "{{ bos_token }}{% if messages[0].role == 'system' %}"
    "{% set prefix = messages[0].content if messages[0].content is string else messages[0].content[0].text %}"
    "{% set rest = messages[1:] %}{% else %}{% set prefix = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('must alternate') }}{% endif %}"
    "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ prefix + '\n\n' if loop.first and prefix }}"
    "{% if m.content is string %}{{ m.content | trim }}{% elif m.content is iterable %}"
    + _TYPED
    + "{% endif %}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
    "Gemma 4": _each(
        "<|turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{% if m.content is string %}{{ m.content }}{% endif %}"
        "{% for c in m.tool_calls or [] %}<|tool_call>call:{{ c.function.name }}{% for k in c.function.arguments %}"
        "{{ k }}:{{ c.function.arguments[k] }}{% endfor %}<tool_call|>{% endfor %}<turn|>\n",
        before="{% if enable_thinking %}<|turn>system\n<|think|><turn|>\n{% endif %}",
        after="{% if add_generation_prompt %}<|turn>model\n{% if not enable_thinking %}<|channel>thought\n<channel|>"
        "{% endif %}{% endif %}",
    ),
    "StableLM": _each("{% if m.role in ['user', 'assistant'] %}<|{{ m.role }}|>\n{{ m.content }}\n{% endif %}"),
    "Phi-3": _each(
        "{% if m.role in ['system', 'user'] %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n"
        "{% elif m.role == 'assistant' %}<|assistant|>\n{{ m.content }}<|end|>\n{% endif %}",
        after="{% if add_generation_prompt %}<|assistant|>\n{% else %}{{ eos_token }}{% endif %}",
    ),
    "Phi-4 reasoning": _each(
        "{% if m.role != 'system' %}<|im_start|>{{ m.role }}<|im_sep|>{{ m.content.split('</think>')[-1] }}<|im_end|>"
        "{% endif %}",
        before="<|im_start|>system<|im_sep|>Write <think> your thoughts </think> and then the answer.<|im_end|>",
        after="{% if add_generation_prompt %}<|im_start|>assistant<|im_sep|>{% endif %}",
    ),
    "DeepSeek V2": _each(
        "{% if m.role == 'user' %}User: {{ m.content }}\n\n{% elif m.role == 'assistant' %}Assistant: {{ m.content }}"
        "{{ eos_token }}{% elif m.role == 'system' %}{{ m.content }}\n\n{% endif %}",
        before="{{ bos_token }}",
        after="{% if add_generation_prompt %}Assistant:{% endif %}",
    ),
    "DeepSeek R1": "{% set ns = namespace(system='') %}{% for m in messages %}{% if m.role == 'system' %}"
    "{% set ns.system = m.content %}{% endif %}{% endfor %}{{ bos_token }}{{ ns.system }}"
    + _each(
        "{% if m.role == 'user' %}<｜User｜>{{ m.content }}{% elif m.role == 'assistant' and m.content %}"
        "{% set content = m.content %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}"
        "{% endif %}<｜Assistant｜>{{ content }}<｜end▁of▁sentence｜>"
        "{% elif m.role == 'assistant' and m.tool_calls %}{% for c in m.tool_calls %}<｜tool▁call▁begin｜>"
        "{{ c.type + '<｜tool▁sep｜>' + c.function.name + '\n```json\n' + c.function.arguments + '\n```' }}{% endfor %}"
        "{% elif m.role == 'tool' %}<｜tool▁output▁begin｜>{{ m.content }}<｜tool▁output▁end｜>{% endif %}",
        after="{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}",
    ),
    "DeepSeek V3.1": "{{ bos_token }}{% if thinking is not defined %}{% set thinking = false %}{% endif %}"
    + _each(
        "{% if m.role == 'system' %}{{ m.content }}{% elif m.role == 'user' %}<｜User｜>{{ m.content }}"
        "{% elif m.role == 'assistant' %}<｜Assistant｜></think>{{ m.content }}{% for c in m.tool_calls or [] %}"
        "{{ c.function.name + '<｜tool▁sep｜>' + c.function.arguments }}{% endfor %}<｜end▁of▁sentence｜>"
        "{% elif m.role == 'tool' %}<｜tool▁output▁begin｜>{{ m.content }}<｜tool▁output▁end｜>{% endif %}",
        after="{% if add_generation_prompt %}<｜Assistant｜>{{ '<think>' if thinking else '</think>' }}{% endif %}",
    ),
    "gpt-oss": "<|start|>system<|message|>Reasoning: {{ reasoning_effort | default('medium') }}\n"
    "# Valid channels: analysis, commentary, final.<|end|>{{ strftime_now('%Y-%m-%d') }}"
    + _each(
        "{% if m.role == 'system' %}<|start|>developer<|message|># Instructions\n\n{{ m.content }}<|end|>"
        "{% elif m.role == 'user' %}<|start|>user<|message|>{{ m.content }}<|end|>"
        "{% elif m.role == 'assistant' %}{% if m.tool_calls %}"
        "{% if m.content and m.thinking %}{{ raise_exception('Put the analysis in one or the other') }}{% endif %}"
        "{% if m.content or m.thinking %}<|start|>assistant<|channel|>analysis<|message|>{{ m.content or m.thinking }}"
        "<|end|>{% endif %}{% set call = m.tool_calls[0].function %}<|start|>assistant to=functions.{{ call.name }}"
        "<|channel|>commentary json<|message|>{{ call.arguments | tojson }}<|call|>"
        "{% else %}<|start|>assistant<|channel|>final<|message|>{{ m.content }}<|end|>{% endif %}"
        "{% elif m.role == 'tool' %}<|start|>functions.{{ m.name }} to=assistant<|channel|>commentary<|message|>"
        "{{ m.content | tojson }}<|end|>{% endif %}",
        after="{% if add_generation_prompt %}<|start|>assistant{% endif %}",
    ),
    "GLM-4.5": "[gMASK]<sop>"
    + _LAST_QUESTION
    + _each(
        "{% if m.role == 'user' %}<|user|>\n{{ m.content }}"
        "{{ '/nothink' if enable_thinking is defined and not enable_thinking }}"
        "{% elif m.role == 'assistant' %}<|assistant|>{% if loop.index0 > ns.last and m.reasoning_content %}"
        "\n<think>{{ m.reasoning_content.strip() }}</think>{% else %}\n<think></think>{% endif %}\n{{ m.content.strip() }}"
        "{% for c in m.tool_calls or [] %}\n<tool_call>{{ c.function.name }}\n{% for k, v in c.function.arguments.items() %}"
        "<arg_key>{{ k }}</arg_key>\n<arg_value>{{ v }}</arg_value>\n{% endfor %}</tool_call>{% endfor %}"
        "{% elif m.role == 'tool' %}<|observation|>\n<tool_response>\n{{ m.content }}\n</tool_response>"
        "{% elif m.role == 'system' %}<|system|>\n{{ m.content }}{% endif %}",
        after="{% if add_generation_prompt %}<|assistant|>"
        "{{ '\n<think></think>' if enable_thinking is defined and not enable_thinking }}{% endif %}",
    ),
    "Kimi K2": _each(
        "<|im_{{ m.role }}|>{{ m.name or m.role }}<|im_middle|>{% if m.content is string %}{{ m.content }}{% endif %}"
        "{% if m.tool_calls %}<|tool_calls_section_begin|>{% for c in m.tool_calls %}<|tool_call_begin|>{{ c.id }}"
        "<|tool_call_argument_begin|>{% if c.function.arguments is string %}{{ c.function.arguments }}{% else %}"
        "{{ c.function.arguments | tojson }}{% endif %}<|tool_call_end|>{% endfor %}{% endif %}<|im_end|>",
        after="{% if add_generation_prompt %}<|im_assistant|>assistant<|im_middle|>{% endif %}",
    ),
    "Kimi Thinking": _each(
        "<|im_{{ m.role }}|>{{ m.role }}<|im_middle|>{% if m.role == 'assistant' and m.reasoning_content %}"
        "◁think▷{{ m.reasoning_content }}◁/think▷{% endif %}{{ m.content }}"
        "{% for c in m.tool_calls or [] %}{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}<|im_end|>",
        after="{% if add_generation_prompt %}<|im_assistant|>assistant<|im_middle|>{% endif %}",
    ),
    "Seed-OSS": "{% if thinking_budget is defined and thinking_budget == 0 %}{{ bos_token }}system\nDo not think."
    "{{ eos_token }}{% elif thinking_budget is defined %}{{ bos_token }}system\nThink for {{ thinking_budget }} tokens."
    "{{ eos_token }}{% endif %}"
    + _each(
        "{{ bos_token }}{{ m.role }}\n{% if m.reasoning_content is defined and m.reasoning_content %}"
        "<seed:think>{{ m.reasoning_content }}</seed:think>{% endif %}{{ m.content | trim }}"
        "{% for c in m.tool_calls or [] %}<seed:tool_call><function={{ c.function.name }}>"
        "{% for k, v in c.function.arguments | items %}<parameter={{ k }}>{{ v }}</parameter>{% endfor %}</seed:tool_call>"
        "{% endfor %}{{ eos_token }}",
        after="{% if add_generation_prompt %}{{ bos_token }}assistant\n"
        "{% if thinking_budget is defined and thinking_budget == 0 %}<seed:think></seed:think>{% endif %}{% endif %}",
    ),
    "Command R": "{{ bos_token }}{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}"
    "{% set system = messages[0].content %}{% else %}{% set rest = messages %}{% set system = false %}{% endif %}"
    "{% if system != false %}<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>{{ system }}<|END_OF_TURN_TOKEN|>{% endif %}"
    "{% for m in rest %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('must alternate') }}{% endif %}{% set content = m.content %}"
    "<|START_OF_TURN_TOKEN|>{{ '<|USER_TOKEN|>' if m.role == 'user' else '<|CHATBOT_TOKEN|>' }}{{ content.strip() }}"
    "<|END_OF_TURN_TOKEN|>{% endfor %}"
    "{% if add_generation_prompt %}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{% endif %}",
    "Command A Reasoning": _each(
        "<|START_OF_TURN_TOKEN|>{% if m.role == 'tool' %}<|SYSTEM_TOKEN|><|START_TOOL_RESULT|>{{ m.content | tojson }}"
        "<|END_TOOL_RESULT|>{% elif m.tool_calls %}<|CHATBOT_TOKEN|>{% if m.reasoning_content %}<|START_THINKING|>"
        "{{ m.reasoning_content }}<|END_THINKING|>{% endif %}<|START_ACTION|>{% for c in m.tool_calls %}"
        '{"tool_name": "{{ c.function.name }}", "parameters": {{ c.function.arguments | tojson }}}{% endfor %}'
        "<|END_ACTION|>{% else %}<|{{ m.role | upper }}_TOKEN|>{{ m.content }}{% endif %}<|END_OF_TURN_TOKEN|>",
        after="{% if add_generation_prompt %}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"
        "{% if reasoning is defined and not reasoning %}<|START_THINKING|><|END_THINKING|>{% endif %}{% endif %}",
    ),
    "Granite 3.3": _each(
        "<|start_of_role|>{{ m.role }}<|end_of_role|>{{ m.content }}<|end_of_text|>\n",
        before="{% if thinking %}<|start_of_role|>system<|end_of_role|>Write <think></think> first.<|end_of_text|>\n{% endif %}"
        "{% if documents %}{% for d in documents %}{{ d.text }}{% endfor %}{% endif %}",
        after="{% if add_generation_prompt %}<|start_of_role|>assistant<|end_of_role|>{% endif %}",
    ),
    "EXAONE 4": _each(
        "[|{{ m.role }}|]\n{% if m.role == 'assistant' %}{{ m.content.split('</think>')[-1] }}"
        "{% for c in m.tool_calls or [] %}<tool_call>{{ {'name': c.function.name, 'arguments': c.function.arguments} | "
        "tojson(ensure_ascii=false, separators=(',', ':'), sort_keys=true) }}</tool_call>{% endfor %}"
        "{% else %}{{ m.content }}{% endif %}[|endofturn|]\n",
        after="{% if add_generation_prompt %}[|assistant|]\n{{ '<think>\n' if enable_thinking is defined and "
        "enable_thinking is true else '<think>\n\n</think>\n\n' }}{% endif %}",
    ),
    "SmolLM3": "{% set thinks = enable_thinking if enable_thinking is defined else true %}<|im_start|>system\n"
    "Reasoning Mode: {{ '/think' if thinks else '/no_think' }}\n\n"
    "{% if messages[0].role == 'system' %}{{ messages[0].content.replace('/no_think', '').replace('/think', '').rstrip() }}"
    "{% endif %}<|im_end|>\n"
    + _each(
        "{% if m.role == 'user' %}<|im_start|>user\n{{ m.content }}<|im_end|>\n"
        "{% elif m.role == 'assistant' %}{% generation %}<|im_start|>assistant\n{{ m.content.lstrip('\\n') }}<|im_end|>\n"
        "{% endgeneration %}{% elif m.role == 'tool' %}<|im_start|>user\n{{ m.content }}<|im_end|>\n{% endif %}",
        after="{% if add_generation_prompt %}<|im_start|>assistant\n{{ '' if thinks else '<think>\n\n</think>\n' }}{% endif %}",
    ),
    "SmolVLM": _each(
        "{% if loop.first %}<|im_start|>{% endif %}{{ m.role | capitalize }}"
        "{% if m.content[0].type == 'image' %}:{% else %}: {% endif %}" + _TYPED + "<end_of_utterance>\n",
        after="{% if add_generation_prompt %}Assistant:{% endif %}",
    ),
    "Idefics": _REFUSES_SYSTEM
    + _TURNS
    + _each("{{ m.role }}:" + _TYPED + "\n", after="{{ 'assistant:' if add_generation_prompt }}"),
    "Vicuna": _each(
        "{% if m.role == 'system' %}{{ m.content }} {% elif m.role == 'user' %}USER: {{ m.content }} "
        "{% elif m.role == 'assistant' %}ASSISTANT: {{ m.content }}</s>{% else %}"
        "{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}",
        after="{% if add_generation_prompt %}ASSISTANT:{% endif %}",
    ),
    "Hermes 2": _each(
        "{% if m.role == 'tool' %}<|im_start|>tool\n<tool_response>\n{{ m.content }}\n</tool_response><|im_end|>\n"
        "{% elif m.tool_calls is defined %}<|im_start|>assistant\n"
        + _CALLS_JSON
        + "<|im_end|>\n{% else %}"
        + _CHATML
        + "{% endif %}",
        after=_ASSISTANT,
    ),
    "OpenChat": _each(
        "GPT4 Correct {{ m.role.title() }}: {{ m.content }}<|end_of_turn|>",
        before="{{ bos_token }}",
        after="{% if add_generation_prompt %}GPT4 Correct Assistant:{% endif %}",
    ),
}
